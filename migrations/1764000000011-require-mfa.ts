import type { MigrationInterface, QueryRunner } from "typeorm";

/** An account may want a second factor of everyone who gets in (T5). */
export class RequireMfa1764000000011 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`alter table accounts add column mfa_required boolean not null default false`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`alter table accounts drop column mfa_required`);
  }
}
