import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { Config } from "./config";
import { Context } from "../context/context";
import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { Membership, Provisioning } from "../entities/Membership";
import { BillingRole, DeveloperRole, LOWEST, type Roles, TeamRole } from "../entities/roles";
import { ServiceUser } from "../entities/ServiceUser";
import type { User } from "../entities/User";
import { assertStrong, hashPassword } from "../identity/passwords";
import { newId } from "../ids";
import { createAccount } from "../operations/accounts/createAccount";
import { createApiKey } from "../operations/credentials/createApiKey";
import { createAuthtoken } from "../operations/credentials/createAuthtoken";
import { disableMember } from "../operations/members/disableMember";
import { signIn } from "../operations/sessions/signIn";
import { createUser } from "../operations/steps/createUser";
import { SIGN_UP, system } from "../principal";
import type { Services } from "../context/services";

/** The content of `.gatehouse/demo.json`: how to sign in. */
export interface Demo {
  url: string;
  email: string;
  password: string;
  /** API key of an administrator. */
  apiKey: string;
  /** API key of a member whose only role is developer. */
  developerApiKey: string;
}

const { READ_WRITE } = DeveloperRole;
const PEOPLE: [name: string, roles: Partial<Roles>][] = [
  ["Mo Manager", { team: TeamRole.MANAGER, developer: READ_WRITE }],
  ["Dee Developer", { developer: READ_WRITE }],
  ["Ben Billing", { billing: BillingRole.ACCESS }],
  ["Ines Inviter", { team: TeamRole.INVITE_ONLY, developer: READ_WRITE }],
  ["Rae Reader", {}],
  ["Otto Onleave", { developer: READ_WRITE }],
];

/** Makes the demo on an empty database, and returns how to sign in; later starts read that from a file. */
export async function keepDemo(
  db: Database,
  services: Services,
  { dataDirectory, publicUrl }: Config,
): Promise<Demo | null> {
  const file = join(dataDirectory, "demo.json");
  const url = `${publicUrl}/graphql`;
  const [someone] = await db.query(sql`select from users limit 1`);
  if (someone) {
    const kept = await readFile(file, "utf8").catch(() => null);
    return kept ? { ...(JSON.parse(kept) as Demo), url } : null;
  }
  const demo = { url, ...(await seed(db, services)) };
  await writeFile(file, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  await chmod(file, 0o600); // for a file that existed already
  return demo;
}

/** Makes an account with examples of most things, by the same operations that callers use. */
async function seed(db: Database, services: Services): Promise<Omit<Demo, "url">> {
  const request = { id: "demo", ip: null, userAgent: null };
  const nobody = new Context({ db, services, request, caller: null });
  const password = randomBytes(12).toString("base64url");
  await assertStrong(password, [], ["password"]);
  const passwordHash = await hashPassword(password);
  const as = async (email: string) => {
    const ctx = new Context({ db, services, request, caller: null });
    await signIn(ctx, email, password);
    return ctx;
  };

  const ada = await addPerson(nobody, "Ada Administrator", passwordHash);
  const adas = await as(ada.email);
  const account = await createAccount(adas, "Acme Tunnels");
  const members = new Map<string, Membership>();
  const users = new Map<string, User>();
  for (const [name, roles] of PEOPLE) {
    const user = await addPerson(nobody, name, passwordHash);
    users.set(name, user);
    members.set(name, await addMember(nobody, account.id, user, roles));
  }
  const dee = await as(users.get("Dee Developer")!.email);
  const { secret: apiKey } = await createApiKey(adas, account.id, {
    description: "Ada's key for the explorer",
  });
  const { secret: developerApiKey } = await createApiKey(dee, account.id, {
    description: "Dee's key for the explorer",
  });
  await createAuthtoken(dee, account.id, { description: "Dee's laptop" });
  await createAuthtoken(adas, account.id, {
    description: "Office gateway",
    metadata: JSON.stringify({ site: "Utrecht" }),
  });

  const builder = await addServiceUser(adas, account.id, "build server");
  await createAuthtoken(adas, account.id, {
    ownerId: builder.id,
    description: "Build agents",
    expiresAt: new Date(Date.now() + 90 * 24 * 60 * 60 * 1000),
  });
  const otto = members.get("Otto Onleave")!;
  await createAuthtoken(adas, account.id, { ownerId: otto.id, description: "Otto's laptop" });
  await disableMember(adas, otto.id);

  const second = await createAccount(dee, "Initech Labs");
  await addMember(nobody, second.id, ada, { developer: DeveloperRole.READ_ONLY });
  return { email: ada.email, password, apiKey, developerApiKey };
}

/** Adds a user, as a confirmed sign-up does. */
function addPerson(ctx: Context, name: string, passwordHash: string): Promise<User> {
  const email = `${name.split(" ")[0]!.toLowerCase()}@acme.example`;
  return ctx
    .as(system(SIGN_UP))
    .transaction((tx) =>
      createUser(tx, { email, name, passwordHash, language: ctx.browser.language }),
    );
}

/** Adds a member, as accepting an invitation does. */
function addMember(
  ctx: Context,
  accountId: string,
  user: User,
  roles: Partial<Roles>,
): Promise<Membership> {
  return ctx.asMachine("invitation", accountId).transaction(async (tx) => {
    const member = Object.assign(new Membership(), {
      accountId,
      id: newId("Membership"),
      userId: user.id,
      ...LOWEST,
      ...roles,
      provisioning: Provisioning.INVITATION,
      disabledAt: null,
      removedAt: null,
      createdAt: tx.now,
    });
    tx.authorize("create", member);
    await tx.save(member);
    await tx.record("member_added.v1", member);
    return member;
  });
}

/** Adds a service user. There is no operation for it yet, so this is one, by an administrator. */
async function addServiceUser(ctx: Context, accountId: string, name: string): Promise<ServiceUser> {
  const access = await ctx.in(accountId);
  return access.transaction(async (tx) => {
    const serviceUser = Object.assign(new ServiceUser(), {
      accountId,
      id: newId("ServiceUser"),
      name,
      developer: READ_WRITE,
      disabledAt: null,
      deletedAt: null,
      createdAt: tx.now,
    });
    tx.authorize("create", serviceUser);
    await tx.save(serviceUser);
    await tx.record("service_user_created.v1", serviceUser);
    return serviceUser;
  });
}
