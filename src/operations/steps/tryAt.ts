import type { Context } from "../../context/context";
import type { EventType } from "../../entities/Event";
import { SignInMethod } from "../../entities/Session";
import { DomainError, Unauthenticated } from "../../errors";
import { PROVIDER_NAMES } from "../../identity/providers";
import { countTry, forgive } from "../../identity/throttle";
import { type Notice, queueDailyNotice } from "../../mails/queueMail";
import type { Principal } from "../../principal";
import { NO_SESSION, recordSignInRefusal } from "./recordSignInRefusal";

/** What the caller is doing. It decides which event and which mail the user gets about wrong tries. */
export type Purpose =
  /** Signing in: there is no session yet. */
  | "sign-in"
  /** Proving in a session that the caller is its user. */
  | "re-authentication"
  /** Confirming a new app. A wrong code may come from a wrong clock, and is no sign of an attacker. */
  | "set-up";

/** A try at a secret of a user. */
export interface Try {
  secret: "password" | "code";
  purpose: Purpose;
  /** As it was typed. */
  email: string;
  /** The user who gets the event of a failure; `nobodyWith` an email that no user has. */
  who: Principal;
  /** Whether the user has signed in with this browser before. */
  knownDevice?: boolean;
}

/**
 * Counts a try at a secret before it is checked, and forgives it where the secret was right. The user
 * gets an event of each failure, and a mail about many of them. Both are written after the answer, and the
 * same statements run where there is no such user. So even the time of many answers at once does not tell
 * whether there is a user (U2).
 *
 * @throws RateLimited after too many tries, and all that `check` throws.
 */
export async function tryAt<T>(ctx: Context, attempt: Try, check: () => Promise<T>): Promise<T> {
  const { secret, email, who, knownDevice = false } = attempt;
  const guesser = {
    secret,
    email,
    ip: ctx.request.ip,
    deviceHash: knownDevice ? ctx.browser.deviceHash : null,
    sessionId: who.sessionId,
  };
  const refuse = (error: unknown) => {
    if (error instanceof DomainError) ctx.background(noteFailure(ctx, attempt, error));
    return error;
  };
  await countTry(ctx.db, guesser).catch((error: unknown) => {
    throw refuse(error);
  });
  try {
    const result = await check();
    ctx.background(forgive(ctx.db, guesser));
    return result;
  } catch (error) {
    // A session that has ended in the meantime is no wrong guess.
    const wrong = error instanceof Unauthenticated && error.code !== "UNAUTHENTICATED";
    throw wrong ? refuse(error) : error;
  }
}

const NOTICES: Partial<Record<`${Try["secret"]} at ${Purpose}`, Notice>> = {
  "password at sign-in": "passwordGuessed",
  "password at re-authentication": "passwordGuessedInSession",
  "code at sign-in": "codeGuessed",
  "code at re-authentication": "codeGuessedInSession",
};

function eventOf({ secret, purpose }: Try): EventType {
  if (secret === "code") return "mfa_refused.v1";
  return purpose === "sign-in" ? "sign_in_refused.v1" : "reauthentication_refused.v1";
}

/** Takes a connection for the first failure in a minute only: an attack must not use up the pool. */
async function noteFailure(ctx: Context, attempt: Try, { code }: DomainError): Promise<void> {
  const { who } = attempt;
  const { id: userId, sessionId } = who;
  const asked = sessionId
    ? { action: "update", subject: { type: "Session", id: sessionId } }
    : null;
  const decision = { ...NO_SESSION, ...asked, code };
  const first = await recordSignInRefusal(ctx, who, eventOf(attempt), decision);
  const notice = NOTICES[`${attempt.secret} at ${attempt.purpose}`];
  if (!first || code !== "RATE_LIMITED" || !notice) return;
  const { ip } = ctx.request;
  const at = new Date().toISOString();
  const detail = notice === "codeGuessed" ? providerOf(who) : null;
  await queueDailyNotice(ctx.db, { kind: "notice", notice, userId, at, ip, detail });
}

/** The provider with which a claimant proved the first factor; null for the password. */
function providerOf({ methods }: Principal): string | null {
  const provider = methods.find(
    (method) => method === SignInMethod.GITHUB || method === SignInMethod.GOOGLE,
  );
  return provider ? PROVIDER_NAMES[provider] : null;
}
