import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * Accounts and who is in them. Every key leads with the account, so a row cannot refer to
 * another account's, and the tables can be distributed by it.
 */
export class CreateAccounts1764000000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table accounts (
        id          text collate "C" primary key check (is_id(id, 'ac')),
        name        text not null check (octet_length(name) between 1 and 255),
        deleted_at  timestamptz(3),
        created_at  timestamptz(3) not null
      );

      create table memberships (
        account_id     text collate "C" not null references accounts (id),
        id             text collate "C" not null check (is_id(id, 'mem')),
        user_id        text collate "C" not null references users (id),
        administrator  boolean not null,
        developer      text not null check (developer in ('READ_WRITE', 'READ_ONLY')),
        team           text not null check (team in ('MANAGER', 'INVITE_ONLY', 'READ_ONLY')),
        billing        text not null check (billing in ('ACCESS', 'NONE')),
        provisioning   text not null
                         check (provisioning in ('FOUNDER', 'INVITATION', 'JIT', 'SCIM')),
        disabled_at    timestamptz(3),
        removed_at     timestamptz(3),
        created_at     timestamptz(3) not null,
        primary key (account_id, id)
      );
      create unique index on memberships (account_id, user_id) where removed_at is null;
      create index on memberships (user_id, id);

      create table service_users (
        account_id   text collate "C" not null references accounts (id),
        id           text collate "C" not null check (is_id(id, 'su')),
        name         text not null check (octet_length(name) between 1 and 255),
        developer    text not null check (developer in ('READ_WRITE', 'READ_ONLY')),
        disabled_at  timestamptz(3),
        deleted_at   timestamptz(3),
        created_at   timestamptz(3) not null,
        primary key (account_id, id)
      );
      create unique index on service_users (account_id, name) where deleted_at is null;

      -- Who somebody is never changes, whatever the application believes.
      create function refuse_change() returns trigger language plpgsql as $$
        begin
          raise exception '% of % never changes', tg_argv[0], tg_table_name
            using errcode = 'integrity_constraint_violation';
        end $$;
      create trigger immutable before update on memberships
        for each row when ((old.account_id, old.id, old.user_id)
          is distinct from (new.account_id, new.id, new.user_id))
        execute function refuse_change('the person');

      grant select, insert, update on accounts, memberships, service_users to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      drop table service_users, memberships, accounts;
      drop function refuse_change;
    `);
  }
}
