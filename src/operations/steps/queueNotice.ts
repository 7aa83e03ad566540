import type { Context } from "../../context/context";
import type { Transaction } from "../../context/transaction";
import { type Notice, queueMail } from "../../mails/queueMail";

/** Tells a person, the caller if no other, by mail what was done to their sign-in, once it is. */
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
