import type { MigrationInterface, QueryRunner } from "typeorm";

/** Waits that begin longer than two seconds, as between mails; and browsers found by their hash alone. */
export class SpaceMails1764200000020 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table throttles add column first_seconds integer not null default 2;
      create index on sessions (device_hash);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      drop index sessions_device_hash_idx;
      alter table throttles drop column first_seconds;
    `);
  }
}
