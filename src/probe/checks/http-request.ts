/** Requests of web browsers that are led here by somebody else (ALPACA, CVE-2021-3618). */
import { randomBytes } from 'node:crypto';
import type { CheckResult, OpenCheck } from '../check.ts';
import { type Finding, fine, wrong } from '../finding.ts';
import { ProbeClient } from '../probe-client.ts';

/** How many lines of the request may be answered before the answer is clear. */
const REPLIES_MAX = 16;

/**
 * `http.ignored` and `http.echoed`. A browser that was tricked into sending its request here, cookies and all, takes the
 * answer for that of the web server whose certificate it believes to see.
 */
export const httpRequestCheck: OpenCheck = {
  id: 'http',
  needs: 'nothing',
  async run(context): Promise<CheckResult> {
    using client = await ProbeClient.secured(context.target, context);
    const marker = `<probe-${randomBytes(6).toString('hex')}>`;
    client.write(`GET /${marker} HTTP/1.1\r\nHost: ${marker}\r\nX-Probe: ${marker}\r\n\r\nNOOP\r\n`);
    const said: string[] = [];
    let open = true;
    while (open && said.length < REPLIES_MAX) {
      const reply = await client.replyOrEnd(1_500).catch(() => 'silence' as const);
      context.signal.throwIfAborted();
      if (reply === 'silence') break;
      if (reply === undefined) open = false;
      else said.push(reply.text);
      if (reply?.code === 200) break;
    }
    return { findings: [judgeEnd(open), judgeEcho(said.some((text) => text.includes(marker)))] };
  },
};

function judgeEnd(open: boolean): Finding {
  if (!open) return fine('http.ignored', 'A request of a web browser ends the connection.');
  return wrong(
    'http.ignored',
    'low',
    'A request of a web browser is read on, line by line, as commands: a page elsewhere can make browsers speak to this server (ALPACA).',
    'Let the server end connections that speak HTTP, or require ALPN; give it no certificate that a web server shares.',
  );
}

function judgeEcho(echoed: boolean): Finding {
  if (!echoed) return fine('http.echoed', 'What a web browser sends is not sent back to it.');
  return wrong(
    'http.echoed',
    'medium',
    'The server sends back what a web browser sends, so that a page elsewhere can run scripts in the name of a web server with the same certificate (ALPACA).',
    'Give it no certificate that a web server shares; require ALPN, or end connections that speak HTTP.',
  );
}
