/** Profiles of V8, as `node --cpu-prof` writes them: how long each function ran itself within some spans of time. */
import { z } from 'zod';

const profile = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
      children: z.array(z.int()).optional(),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

/** A function that was found running, and from where it was called. */
export interface Frame {
  readonly name: string;
  /** Empty for what is no JavaScript. */
  readonly url: string;
  readonly line: number;
  /** The file of the nearest caller that is JavaScript; empty where there is none. */
  readonly callerUrl: string;
}

/** A function and how long it ran itself, in microseconds. */
export interface SelfTime {
  readonly frame: Frame;
  readonly micros: number;
}

/** A span of the monotonic clock, in microseconds: what `process.hrtime` counts, and V8 as well. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Self times within the spans. @throws ZodError for what is no profile. */
export function selfTimes(text: string, spans: readonly Span[]): SelfTime[] {
  const { nodes, startTime, samples, timeDeltas } = profile.parse(JSON.parse(text));
  const frames = framesOf(nodes);
  const micros = new Map<number, number>();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    at += timeDeltas[index] ?? 0;
    const until = timeDeltas[index + 1] ?? 0;
    const inside = spans.some(({ from, to }) => at >= from && at < to);
    if (inside) micros.set(id, (micros.get(id) ?? 0) + until);
  }
  return [...micros].flatMap(([id, time]) => {
    const frame = frames.get(id);
    return frame === undefined ? [] : [{ frame, micros: time }];
  });
}

function framesOf(nodes: z.output<typeof profile>['nodes']): Map<number, Frame> {
  const frames = new Map<number, Frame>();
  const callerUrls = new Map<number, string>();
  // A caller stands in front of whom it calls.
  for (const { id, callFrame, children = [] } of nodes) {
    const { functionName: name, url, lineNumber } = callFrame;
    const callerUrl = callerUrls.get(id) ?? '';
    frames.set(id, { name: name === '' ? '(anonymous)' : name, url, line: lineNumber + 1, callerUrl });
    for (const child of children) callerUrls.set(child, url === '' ? callerUrl : url);
  }
  return frames;
}
