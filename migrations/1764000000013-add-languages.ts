import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * In which language somebody is written to (BCP 47). Which there are is for the application to say,
 * so the CHECK holds the shape alone; a sign-up keeps the language it was made in for its user.
 */
export class AddLanguages1764000000013 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table users
        add column language text not null default 'en',
        add constraint users_language_check
          check (language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$' and octet_length(language) <= 35);
      alter table one_time_tokens
        add column language text,
        add constraint one_time_tokens_language_check
          check (language is null or purpose = 'SIGN_UP'
            and language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$' and octet_length(language) <= 35);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table one_time_tokens drop column language;
      alter table users drop column language;
    `);
  }
}
