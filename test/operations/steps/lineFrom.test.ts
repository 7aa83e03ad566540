import { createApiKey } from "../../../src/operations/credentials/createApiKey";
import { createAuthtoken } from "../../../src/operations/credentials/createAuthtoken";
import { updateCredential } from "../../../src/operations/credentials/updateCredential";
import { createAccount } from "../../../src/operations/accounts/createAccount";
import { updateAccount } from "../../../src/operations/accounts/updateAccount";
import { resetMfa } from "../../../src/operations/authenticators/resetMfa";
import { endUserSessions } from "../../../src/operations/sessions/endUserSessions";
import { cleanName, lineFrom, nameFrom } from "../../../src/operations/steps/lineFrom";
import { createAdministrator } from "../../../src/operations/users/createAdministrator";
import { signUp } from "../../../src/operations/users/signUp";
import type { User } from "../../../src/entities/User";
import { useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  asNobody,
  asOperator,
  asUser,
  aUser,
} from "../../support/factories";
import { expectRefused } from "../../support/refusals";

beforeAll(useDatabase);

const code = (text: string) => text.codePointAt(0)!.toString(16);

const BAD = [
  "\n",
  "\r",
  "\t",
  "\u0000",
  "\u001b",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u2029",
  ..."\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
];

it.each(BAD.map((bad) => [code(bad), bad]))("refuses U+%s in a name", (_, bad) => {
  expect(() => nameFrom(`Ada${bad}Lovelace`, ["name"])).toThrow(
    expect.objectContaining({ code: "BAD_USER_INPUT", field: ["name"] }) as Error,
  );
  expect(cleanName(`Ada${bad}Lovelace`)).toMatch(/^Ada ?Lovelace$/);
});

it.each(["", "  ", "\u200b", "\u200d\u200e", "\u3164", "\u2800", "\u0301", "\ufe0f"])(
  "refuses the name %p, of which nothing is seen",
  (name) => {
    expect(() => nameFrom(name, ["name"])).toThrow(/visible character/);
    expect(cleanName(name)).toBeNull();
  },
);

it.each([
  "Ada Lovelace",
  "O'Brien-Smith, Jr.",
  "李小龍",
  "عمر الخيام",
  "משה (C++)\u200f",
  "می\u200cخواهم",
  "👩\u200d💻 team",
  "Node.js",
  "?",
])("takes the name %s as it is", (name) => {
  expect(nameFrom(name, ["name"])).toBe(name);
  expect(cleanName(name)).toBe(name);
});

it("keeps a name in NFC, and counts its bytes so", () => {
  expect(nameFrom(" Zoe\u0308 ", ["name"])).toBe("Zo\u00eb");
  expect(lineFrom("", ["description"])).toBe("");
  expect(nameFrom("e\u0301".repeat(127), ["name"])).toBe("\u00e9".repeat(127));
  expect(() => nameFrom("\u00e9".repeat(128), ["name"])).toThrow(/at most 255 bytes/);
});

it("cuts the name of a provider to what fits", () => {
  expect(Buffer.byteLength(cleanName("\u{1D15E}".repeat(300))!)).toBeLessThanOrEqual(255);
  expect(cleanName(` a\u202e\n\n${"b".repeat(300)}`)).toBe(`a ${"b".repeat(61)}`);
});

describe("every door at which a name is taken", () => {
  const EVIL = "Ada\u202eecalevoL";
  const PASSWORD = "correct horse battery staple";
  const NEW = { email: "door@example.com", password: PASSWORD };

  let person: User;
  beforeAll(async () => {
    person = await aUser();
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ["signUp", "name", () => signUp(asNobody(), { ...NEW, name: EVIL })],
    [
      "createAdministrator --name",
      "name",
      () => createAdministrator(asOperator(), { ...NEW, name: EVIL, account: "Acme" }),
    ],
    [
      "createAdministrator --account",
      "account",
      () => createAdministrator(asOperator(), { ...NEW, name: "Ada", account: EVIL }),
    ],
    [
      "endUserSessions",
      "reason",
      () => endUserSessions(asOperator(), { email: person.email, reason: EVIL }),
    ],
    ["resetMfa", "reason", () => resetMfa(asOperator(), { email: person.email, reason: EVIL })],
  ])("%s refuses it, and names the field", async (_, field, act) => {
    await expectRefused(act, { code: "BAD_USER_INPUT", field: [field] });
  });

  it("createAccount refuses it, and names the field", async () => {
    const ctx = await asUser(person);
    await expectRefused(() => createAccount(ctx, EVIL), {
      code: "BAD_USER_INPUT",
      field: ["name"],
    });
  });

  it("updateAccount and credentials refuse it, and name the field", async () => {
    const account = await anAccount();
    const member = await aMember(account, ADMINISTRATOR);
    const { credential } = await aCredential(member);
    const ctx = await as(member);
    const description = { code: "BAD_USER_INPUT", field: ["description"] };
    await expectRefused(() => updateAccount(ctx, account.id, { name: EVIL }), {
      code: "BAD_USER_INPUT",
      field: ["name"],
    });
    const wanted = { accountId: account.id, description: EVIL };
    await expectRefused(() => createApiKey(ctx, account.id, wanted), description);
    await expectRefused(() => createAuthtoken(ctx, account.id, wanted), description);
    await expectRefused(
      () => updateCredential(ctx, credential.id, { description: EVIL }),
      description,
    );
  });
});
