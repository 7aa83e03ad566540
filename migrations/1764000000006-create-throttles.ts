import type { MigrationInterface, QueryRunner } from "typeorm";

/** Tries at secrets, counted so that all servers know of them (U10). */
export class CreateThrottles1764000000006 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table throttles (
        key              text collate "C" primary key check (octet_length(key) <= 200),
        tries            integer not null check (tries >= 0),
        -- How many go without waiting, and the longest wait after them.
        free             integer not null,
        longest_seconds  integer not null,
        free_at          timestamptz(3) not null check (is_moment(free_at)),
        resets_at        timestamptz(3) not null check (is_moment(resets_at))
      );
      create index on throttles (resets_at);

      grant select, insert, update, delete on throttles to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table throttles`);
  }
}
