import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * Authtokens and API keys. The foreign keys keep a credential in its owner's account, and the
 * trigger keeps it with that owner for good.
 */
export class CreateCredentials1764000000002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table credentials (
        account_id       text collate "C" not null,
        id               text collate "C" not null,
        kind             text not null check (kind in ('AUTHTOKEN', 'API_KEY')),
        membership_id    text collate "C",
        service_user_id  text collate "C",
        description      text not null check (octet_length(description) <= 255),
        metadata         text not null check (octet_length(metadata) <= 4096),
        secret_hash      bytea not null check (octet_length(secret_hash) = 32),
        last_four        text not null check (length(last_four) = 4),
        expires_at       timestamptz(3),
        revoked_at       timestamptz(3),
        last_used_at     timestamptz(3),
        last_used_ip     inet,
        created_at       timestamptz(3) not null,
        primary key (account_id, id),
        foreign key (account_id, membership_id) references memberships (account_id, id),
        foreign key (account_id, service_user_id) references service_users (account_id, id),
        check (is_id(id, case kind when 'API_KEY' then 'ak' else 'cr' end)),
        check (num_nonnulls(membership_id, service_user_id) = 1)
      );
      create unique index on credentials (account_id, secret_hash);
      create index on credentials (account_id, membership_id, id);
      create index on credentials (account_id, service_user_id, id);

      create trigger immutable before update on credentials
        for each row when (
          (old.account_id, old.id, old.kind, old.membership_id, old.service_user_id)
            is distinct from
          (new.account_id, new.id, new.kind, new.membership_id, new.service_user_id))
        execute function refuse_change('the owner');
      create trigger revoked_for_good before update on credentials
        for each row when (old.revoked_at is not null
          and old.revoked_at is distinct from new.revoked_at)
        execute function refuse_change('the revocation');

      grant select, insert, update on credentials to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table credentials`);
  }
}
