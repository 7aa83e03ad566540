import type { MigrationInterface, QueryRunner } from "typeorm";

/** What a sweep finds by its age, and the right to delete it. Entries go with their session. */
export class LetRowsBeSwept1764200000013 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create index on sessions (expires_at, id);
      create index on refusals (recorded_at);
      grant delete on sessions, refusals to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      revoke delete on sessions, refusals from gatehouse_app;
      drop index refusals_recorded_at_idx, sessions_expires_at_id_idx;
    `);
  }
}
