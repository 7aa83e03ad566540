import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Credential } from "../../entities/Credential";
import type { Membership } from "../../entities/Membership";
import { keepAnAdministrator } from "./keepAnAdministrator";

/** Ends a membership for good, and revokes its credentials. A user who returns gets a new one (M5). */
export async function endMembership(tx: Transaction, member: Membership): Promise<void> {
  await keepAnAdministrator(tx, member);
  member.removedAt = tx.now;
  await tx.save(member);

  const credentials = await tx.rows(
    Credential,
    sql`row.membership_id = ${member.id} and row.revoked_at is null`,
  );
  tx.entail("revoke", credentials, member);
  for (const credential of credentials) credential.revokedAt = tx.now;
  await tx.saveAll(credentials, "revokedAt");
  await tx.record("credential_revoked.v1", ...credentials);
}
