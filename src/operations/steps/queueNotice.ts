import type { Context } from "../../context/context";
import type { Transaction } from "../../context/transaction";
import { type Notice, queueMail } from "../../mails/queueMail";

/** Queues a mail that tells a user, by default the caller, of a change to how they sign in. */
export function queueNotice(
  tx: Transaction,
  { request: { ip } }: Context,
  notice: Notice,
  detail: string | null = null,
  userId = tx.principal.id,
): Promise<void> {
  const at = tx.now.toISOString();
  return queueMail(tx, { kind: "notice", notice, userId, at, ip, detail });
}
