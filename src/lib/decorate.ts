/** An object like another one, with some members of its own: how an extension changes a part of what it is given. */

/**
 * The members of `base`, but for those that `own` has. Every other one is asked of `base` itself when it is used, so that
 * what changes there is seen here, and a class with private fields keeps working; spreading (`{ ...base }`) would lose the
 * methods of a class. An optional member that is `undefined` in `own` is absent.
 *
 * What is not replaced goes past you: who hides a file in `list` has to think of `stat`, `openRead` and `removeTree` too.
 */
export function decorate<Base extends object>(base: Base, own: Own<Base>): Base {
  return new Proxy(base, {
    get(_base, name) {
      const owner = Object.hasOwn(own, name) ? own : base;
      const member: unknown = Reflect.get(owner, name, owner);
      return typeof member === 'function' ? member.bind(owner) : member;
    },
  });
}

/** Members of one's own; those that are optional may be taken away. */
type Own<Base> = {
  readonly [Name in keyof Base]?: object extends Pick<Base, Name> ? Base[Name] | undefined : Base[Name];
};
