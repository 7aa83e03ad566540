import type { MigrationInterface, QueryRunner } from "typeorm";

/** Which session has entered which account: the first time is an event of the account (E5). */
export class CreateEntries1764000000012 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table entries (
        account_id  text collate "C" not null references accounts (id),
        session_id  text collate "C" not null references sessions (id) on delete cascade,
        entered_at  timestamptz(3) not null check (is_moment(entered_at)),
        primary key (account_id, session_id)
      );
      create index on entries (session_id);

      grant select, insert on entries to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table entries`);
  }
}
