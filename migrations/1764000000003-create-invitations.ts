import type { MigrationInterface, QueryRunner } from "typeorm";

/** Offers of membership, and which addresses may reach an account. */
export class CreateInvitations1764000000003 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table invitations (
        account_id     text collate "C" not null,
        id             text collate "C" not null check (is_id(id, 'inv')),
        email          text not null
                         check (email = lower(email) and octet_length(email) between 3 and 254),
        administrator  boolean not null,
        developer      text not null check (developer in ('READ_WRITE', 'READ_ONLY')),
        team           text not null check (team in ('MANAGER', 'INVITE_ONLY', 'READ_ONLY')),
        billing        text not null check (billing in ('ACCESS', 'NONE')),
        inviter_id     text collate "C" not null,
        token_hash     bytea not null check (octet_length(token_hash) = 32),
        expires_at     timestamptz(3) not null,
        accepted_at    timestamptz(3),
        declined_at    timestamptz(3),
        revoked_at     timestamptz(3),
        created_at     timestamptz(3) not null,
        primary key (account_id, id),
        foreign key (account_id, inviter_id) references memberships (account_id, id),
        check (num_nonnulls(accepted_at, declined_at, revoked_at) <= 1)
      );
      create unique index on invitations (account_id, email)
        where accepted_at is null and declined_at is null and revoked_at is null;
      create unique index on invitations (account_id, token_hash);

      create table ip_restrictions (
        account_id  text collate "C" not null references accounts (id),
        id          text collate "C" not null check (is_id(id, 'ipr')),
        surface     text not null check (surface in ('DASHBOARD', 'API', 'AGENT')),
        enforced    boolean not null,
        created_at  timestamptz(3) not null,
        primary key (account_id, id),
        unique (account_id, surface)
      );

      create table ip_rules (
        account_id         text collate "C" not null,
        ip_restriction_id  text collate "C" not null,
        position           integer not null check (position between 1 and 100),
        range              cidr not null,
        effect             text not null check (effect in ('ALLOW', 'DENY')),
        description        text not null check (octet_length(description) <= 255),
        primary key (account_id, ip_restriction_id, position),
        foreign key (account_id, ip_restriction_id) references ip_restrictions (account_id, id)
      );

      grant select, insert, update on invitations, ip_restrictions to gatehouse_app;
      grant select, insert, update, delete on ip_rules to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table ip_rules, ip_restrictions, invitations`);
  }
}
