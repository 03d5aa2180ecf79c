/** What becomes of an upload that is cut off. The only check that writes: into a file of its own, which it deletes again. */
import { randomBytes } from 'node:crypto';
import type { CheckResult, MemberCheck, MemberContext } from '../check.ts';
import { succeeded, type Transferred, transferPassive } from '../data-link.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import { judgeEnd } from './close-notify.ts';

/** Enough for several TLS records, little enough for any quota. */
const UPLOAD_BYTES = 50_000;

/** `upload.cut-off`, `upload.whole`, `close-notify.download` and, when a file cannot be deleted, `upload.left-behind`. */
export const uploadCheck: MemberCheck = {
  id: 'upload',
  needs: 'write',
  async run(context): Promise<CheckResult> {
    const name = fileName();
    const data = randomBytes(UPLOAD_BYTES);
    try {
      const cut = await exchange(context, `STOR ${name}`, { data, ending: 'cut' });
      if (cut.mark.code >= 200) throw new Error(`the upload is refused: ${cut.mark.text}`);
      await remove(context, name);
      // Under the same name: a server that keeps what was cut off, for resuming it, forgets it at this.
      const whole = await exchange(context, `STOR ${name}`, { data, ending: 'closeNotify' });
      const back = await exchange(context, `RETR ${name}`, undefined);
      return {
        findings: [
          judgeCut(cut, whole),
          judgeWhole(whole, back, data),
          judgeEnd('close-notify.download', 'download', back),
          ...(await remove(context, name)),
        ],
      };
    } catch (error) {
      const left = await remove(context, name);
      if (left.length > 0) return { findings: left };
      throw error;
    }
  },
};

/** A name that nobody else has, without a leading dot, which some servers refuse. */
function fileName(): string {
  return `sallyport-probe-${randomBytes(8).toString('hex')}.tmp`;
}

async function exchange(
  context: MemberContext,
  command: string,
  upload: { readonly data: Buffer; readonly ending: 'closeNotify' | 'cut' } | undefined,
): Promise<Transferred> {
  return await context.logins.use('protected', context, async (client) => {
    await client.send('TYPE I');
    const session = await client.waitForSession();
    return await transferPassive(client, context, command, {
      protection: 'tls',
      session,
      ...(upload !== undefined && { upload }),
    });
  });
}

/** Deletes what was written. @returns a finding when it is still there. */
async function remove(context: MemberContext, name: string): Promise<readonly Finding[]> {
  let left: boolean;
  try {
    left = await context.logins.use('protected', context, async (client) => {
      await client.send('TYPE I');
      const deleted = await client.send(`DELE ${name}`);
      return deleted.code >= 300 && (await client.send(`SIZE ${name}`)).code === 213;
    });
  } catch {
    // Whether it is there cannot be seen: better to name a file that is not than to hide one that is.
    left = true;
  }
  if (!left) return [];
  return [
    wrong(
      'upload.left-behind',
      'low',
      `The probe could not delete what it has written: ${name}.`,
      'Delete it by hand.',
    ),
  ];
}

function judgeCut(cut: Transferred, whole: Transferred): Finding {
  // Where whole uploads fail as well, it was not the cut that was refused.
  if (!succeeded(cut) && !succeeded(whole)) {
    return noted(
      'upload.cut-off',
      'No upload came under way, so what becomes of one that is cut off is not known.',
      'See session.resumed.',
    );
  }
  if (!succeeded(cut))
    return fine('upload.cut-off', 'An upload that ends without close_notify is not called complete.');
  return wrong(
    'upload.cut-off',
    'medium',
    `An upload that ends without close_notify is called complete (${cut.final?.code}): whoever can cut the line can shorten files unnoticed.`,
    'Use a server that insists on close_notify, or compare sizes or hashes after every upload.',
  );
}

function judgeWhole(whole: Transferred, back: Transferred, data: Buffer): Finding {
  if (succeeded(whole) && succeeded(back) && back.data.equals(data)) {
    return fine('upload.whole', 'A file was uploaded, fetched again, and is the same.');
  }
  if (succeeded(whole) && !succeeded(back)) {
    return noted(
      'upload.whole',
      `A file was uploaded; it cannot be fetched again: ${back.final?.text ?? back.mark.text}.`,
    );
  }
  return wrong(
    'upload.whole',
    'medium',
    `A file that was uploaded whole does not come back the same: ${whole.final?.text ?? whole.mark.text}.`,
    'Look at its log.',
  );
}
