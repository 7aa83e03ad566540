import type { Context } from "../../context/context";
import { DomainError, Unauthenticated } from "../../errors";
import { countTry, forgive, isFirst } from "../../identity/throttle";
import { queueMail } from "../../mails/queueMail";
import type { Principal } from "../../principal";
import { NO_SESSION, recordSignInRefusal } from "./recordSignInRefusal";

/** A try at a secret of somebody's. */
export interface Try {
  secret: "password" | "code";
  /** As it was typed. */
  email: string;
  /** Whom a failure is told; null for nobody's email. */
  who: Principal | null;
  /** Whether they have signed in with that browser before. */
  knownDevice?: boolean;
}

/**
 * Counts a try at a secret before it is checked, and forgives it where it was good. A failure is an
 * event of the person's, and who guesses on and on is told to them by mail; both are written after
 * the answer, which tells by its time nothing of whether there is such a person (U2).
 *
 * @throws RateLimited after too many tries, and whatever `check` throws.
 */
export async function tryAt<T>(
  ctx: Context,
  { who, knownDevice = false, ...attempt }: Try,
  check: () => Promise<T>,
): Promise<T> {
  const guesser = {
    ...attempt,
    ip: ctx.request.ip,
    deviceHash: knownDevice ? ctx.knownDevice() : null,
    sessionId: who?.sessionId ?? null,
  };
  const refuse = (error: unknown) => {
    if (who && error instanceof DomainError) {
      ctx.background(noteFailure(ctx, who, attempt.secret, error));
    }
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
    throw error instanceof Unauthenticated ? refuse(error) : error;
  }
}

async function noteFailure(
  ctx: Context,
  who: Principal,
  secret: Try["secret"],
  { code }: DomainError,
): Promise<void> {
  const { db, request } = ctx;
  const { id: userId, sessionId } = who;
  const action = sessionId ? "update Session" : NO_SESSION.action;
  const type =
    secret === "code"
      ? "mfa_refused.v1"
      : sessionId
        ? "reauthentication_refused.v1"
        : "sign_in_refused.v1";
  await recordSignInRefusal(ctx, who, type, { ...NO_SESSION, action, code });
  if (code !== "RATE_LIMITED") return;
  await db.transaction(async (connection) => {
    const notice = secret === "code" ? "codeGuessed" : "passwordGuessed";
    if (!(await isFirst(connection, `warned ${notice} ${userId}`, "1 day"))) return;
    const at = new Date().toISOString();
    await queueMail(connection, {
      kind: "notice",
      notice,
      userId,
      at,
      ip: request.ip,
      detail: null,
    });
  });
}
