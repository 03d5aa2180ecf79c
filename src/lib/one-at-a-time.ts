/** Work of which two pieces at a time could leave the older one's outcome in force. */

/** Makes a queue: what is given to it is begun when everything before has ended, well or not. */
export function oneAtATime(): <Result>(act: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const done = last.then(act);
    last = done.catch(() => undefined);
    return done;
  };
}
