import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * Second factors: an authenticator app of a person (RFC 6238) with the recovery codes that stand in
 * for it, and the step between a password and a session that asks for a code.
 */
export class CreateAuthenticators1764000000008 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table authenticators (
        id                         text collate "C" primary key check (is_id(id, 'aut')),
        user_id                    text collate "C" not null references users (id),
        -- Sealed by the key of this name; gone with the authenticator.
        sealed_secret              bytea,
        key_id                     text not null check (octet_length(key_id) between 1 and 32),
        -- Of the last code that was accepted (RFC 6238, section 5.2: each is accepted once).
        last_step                  integer not null check (last_step >= 0),
        recovery_code_hashes       bytea[] not null
                                     check (cardinality(recovery_code_hashes) <= 10),
        recovery_codes_left        integer not null
                                     check (recovery_codes_left = cardinality(recovery_code_hashes)),
        recovery_codes_created_at  timestamptz(3) check (is_moment(recovery_codes_created_at)),
        confirmed_at               timestamptz(3) check (is_moment(confirmed_at)),
        removed_at                 timestamptz(3) check (is_moment(removed_at)),
        created_at                 timestamptz(3) not null check (is_moment(created_at)),
        check ((removed_at is null) = (sealed_secret is not null)),
        check (removed_at is null or recovery_codes_left = 0)
      );
      create index on authenticators (user_id, id);
      create unique index authenticators_on_idx on authenticators (user_id)
        where confirmed_at is not null and removed_at is null;
      create unique index authenticators_pending_idx on authenticators (user_id)
        where confirmed_at is null and removed_at is null;

      -- On the user's own row, which everyone locks who changes how they sign in, and every guard reads.
      alter table users
        add column mfa_enabled_at timestamptz(3) check (is_moment(mfa_enabled_at));

      alter table sessions
        drop constraint sessions_methods_check,
        add constraint sessions_methods_check check (cardinality(methods) > 0
          and methods <@ array['PASSWORD', 'TOTP', 'RECOVERY_CODE', 'GITHUB', 'GOOGLE']),
        -- Of the cookie that tells the browser again.
        add column device_hash bytea check (octet_length(device_hash) = 32);

      alter table one_time_tokens
        drop constraint one_time_tokens_purpose_check,
        add constraint one_time_tokens_purpose_check
          check (purpose in ('SIGN_UP', 'UPDATE_EMAIL', 'RESET_PASSWORD', 'COMPLETE_SIGN_IN')),
        -- What somebody has proven who still owes a code.
        add column methods text[],
        add constraint one_time_tokens_methods_check
          check ((purpose = 'COMPLETE_SIGN_IN') = (methods is not null));

      grant select, insert, update on authenticators to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      delete from one_time_tokens where purpose = 'COMPLETE_SIGN_IN';
      alter table one_time_tokens
        drop constraint one_time_tokens_purpose_check,
        add constraint one_time_tokens_purpose_check
          check (purpose in ('SIGN_UP', 'UPDATE_EMAIL', 'RESET_PASSWORD')),
        drop column methods;
      -- A session by other means than the password can't be told to the version before.
      delete from sessions where not methods <@ array['PASSWORD'];
      alter table sessions
        drop constraint sessions_methods_check,
        add constraint sessions_methods_check
          check (cardinality(methods) > 0 and methods <@ array['PASSWORD']),
        drop column device_hash;
      alter table users drop column mfa_enabled_at;
      drop table authenticators;
    `);
  }
}
