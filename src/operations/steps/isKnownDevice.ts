import { sql } from "../../database/sql";

/** Whether the person of the alias `users` has signed in with that browser lately. */
export const isKnownDevice = (deviceHash: Buffer | null) => sql`exists (
  select from sessions s where s.user_id = users.id
    and s.created_at > now() - interval '90 days' and s.device_hash = ${deviceHash})`;
