import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * An index for what each list can be filtered by, so that what is rare in a large account is found
 * as fast as in a small one. Each begins with the account and ends with the id, in whose order pages
 * are read (database/firstRows.ts).
 *
 * Events are written far more often than the rest, so each of their indexes has a question that no
 * other one answers: what one principal did of some types; one address; and a range of addresses.
 */
export class IndexFilters1764200000006 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create index memberships_filter_idx on memberships
        (account_id, administrator, developer, team, billing, (disabled_at is null), id);
      create index credentials_filter_idx on credentials
        (account_id, kind, (revoked_at is not null), id);

      create index on events (account_id, principal_id, type, id);
      create index on events (account_id, ip, id);
      create index events_network_idx on events
        (account_id, network(set_masklen(ip, case family(ip) when 4 then 24 else 64 end)), id);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      drop index memberships_filter_idx, credentials_filter_idx,
        events_account_id_principal_id_type_id_idx, events_account_id_ip_id_idx,
        events_network_idx;
    `);
  }
}
