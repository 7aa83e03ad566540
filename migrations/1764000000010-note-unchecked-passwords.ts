import type { MigrationInterface, QueryRunner } from "typeorm";

/** A sign-up remembers that its password could not be looked up, until there is a user to tell it of. */
export class NoteUncheckedPasswords1764000000010 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table one_time_tokens
        add column password_unchecked boolean not null default false,
        add constraint one_time_tokens_password_unchecked_check
          check (purpose = 'SIGN_UP' or not password_unchecked);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`alter table one_time_tokens drop column password_unchecked`);
  }
}
