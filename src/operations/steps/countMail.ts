import type { Context } from "../../context/context";
import { isUsedDevice } from "../../identity/knownPlaces";
import { countTry, type MailAsked } from "../../identity/throttle";

/**
 * Counts a request for a mail, so that one network does not cause many mails. A session, and a browser
 * with which a user has signed in, have counts of their own, so that other callers behind the same address
 * do not use up theirs. How many mails an address gets is counted when they are sent (`countMailing`).
 *
 * @param to The address as it was typed, or the ID of the sign-up.
 * @throws RateLimited.
 */
export async function countMail(ctx: Context, mail: MailAsked, to: string): Promise<void> {
  const { db, request, browser } = ctx;
  const sessionId = mail === "update_email" ? ctx.principal.sessionId : null;
  const device = browser.deviceHash;
  const deviceHash = device && !sessionId && (await isUsedDevice(db, device)) ? device : null;
  await countTry(db, { secret: mail, email: to, ip: request.ip, deviceHash, sessionId });
}
