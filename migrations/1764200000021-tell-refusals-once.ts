import type { MigrationInterface, QueryRunner } from "typeorm";

/** When refusals of a kind were last told. Those since then are counted by the servers. */
export class TellRefusalsOnce1764200000021 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`alter table refusals drop column unrecorded, drop column recorded`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table refusals
        add column unrecorded integer not null default 0,
        add column recorded integer not null default 1;
      alter table refusals alter column unrecorded drop default, alter column recorded drop default;
    `);
  }
}
