import type { MigrationInterface, QueryRunner } from "typeorm";

/** Every moment there is, by table. */
const MOMENTS: Record<string, string[]> = {
  users: ["email_verified_at", "created_at"],
  sessions: ["authenticated_at", "last_used_at", "expires_at", "ended_at", "created_at"],
  accounts: ["deleted_at", "created_at"],
  memberships: ["disabled_at", "removed_at", "created_at"],
  service_users: ["disabled_at", "deleted_at", "created_at"],
  credentials: ["expires_at", "revoked_at", "last_used_at", "created_at"],
  invitations: ["expires_at", "accepted_at", "declined_at", "revoked_at", "created_at"],
  ip_restrictions: ["created_at"],
  events: ["occurred_at"],
  user_events: ["occurred_at"],
  refusals: ["recorded_at"],
};

const constraints = Object.entries(MOMENTS).flatMap(([table, columns]) =>
  columns.map((column) => ({ table, column, name: `${table}_${column}_moment_check` })),
);

/**
 * Moments that JSON can tell: neither infinite, which PostgreSQL prints as nothing, nor before
 * year 1 or after 9999, which it prints unlike JavaScript. Answers are put together in SQL.
 */
export class BoundMoments1764000000005 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create function is_moment(moment timestamptz) returns boolean immutable parallel safe
        return moment >= timestamptz '0001-01-01 00:00:00Z'
           and moment < timestamptz '10000-01-01 00:00:00Z'`);
    for (const { table, column, name } of constraints) {
      await db.query(`alter table ${table} add constraint ${name} check (is_moment(${column}))`);
    }
  }

  async down(db: QueryRunner): Promise<void> {
    for (const { table, name } of constraints) {
      await db.query(`alter table ${table} drop constraint ${name}`);
    }
    await db.query(`drop function is_moment`);
  }
}
