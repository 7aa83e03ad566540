import { sqlAsOwner, useDatabase } from "../support/database";
import { aCredential, aMember, anAccount, aSession, aUser } from "../support/factories";
import { serve, type Served } from "../support/http";
import { deliver, useMail } from "../support/mail";

let compiled: Served;
let resolved: Served;

beforeAll(useDatabase);
beforeAll(useMail);
beforeAll(async () => {
  compiled = await serve();
  resolved = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
});
beforeEach(() => sqlAsOwner("delete from throttles"));

const VIEWER = "{ viewer { language } }";
const UPDATE = `mutation ($language: String!) { updateLanguage(input: { language: $language }) {
  language userErrors { code field message } } }`;

it.each([
  ["de-AT,de;q=0.9,en;q=0.5", "de"],
  ["en-GB,de;q=0.9", "en"],
  ["*", "en"],
  ["de,".repeat(3413), "en"],
  ['";;\\,', "en"],
])("U1: mails whoever signs up with `Accept-Language: %.30s` in %s", async (accepted, language) => {
  const headers = { "accept-language": accepted };
  const answer = await compiled.ask(
    `mutation { signUp(input: { email: "zoe@example.com", name: "Zoe",
      password: "seventeen purple walruses" }) { email userErrors { code } } }`,
    {},
    { headers },
  );
  expect(answer).toMatchObject({
    status: 200,
    data: { signUp: { email: "zoe@example.com", userErrors: [] } },
  });
  const mails = await deliver();
  expect(mails.map((mail) => mail.headers.get("content-language"))).toEqual([language]);
});

it("U5: answers a question for an unknown address in the language that it is asked in", async () => {
  const document = `mutation { requestPasswordReset(input: { email: "nobody@example.com" }) {
    email userErrors { code } } }`;
  await compiled.ask(document, {}, { headers: { "accept-language": "de" } });
  expect((await deliver()).map(({ subject }) => subject)).toEqual([
    "Zu dieser E-Mail-Adresse gibt es kein Benutzerkonto",
  ]);
});

it("is shown and changed by whoever it is, whatever their browser asks for, at once", async () => {
  const { id } = await aUser();
  const { token } = await aSession(id);
  const sender = { cookie: token, headers: { "accept-language": "fr" } };
  for (const server of [compiled, resolved]) {
    for (const language of ["de", "en"]) {
      const { data } = await server.ask(UPDATE, { language }, sender);
      expect(data).toEqual({ updateLanguage: { language, userErrors: [] } });
      for (const one of [compiled, resolved]) {
        expect((await one.ask(VIEWER, {}, sender)).data).toEqual({ viewer: { language } });
      }
    }
  }
});

it("is told to be English where it is one that there are no mails in any more", async () => {
  const { id } = await aUser({ language: "tlh" });
  const { token } = await aSession(id);
  for (const server of [compiled, resolved]) {
    expect((await server.ask(VIEWER, {}, { token })).data).toEqual({ viewer: { language: "en" } });
  }
});

it("is the user's own: neither their keys nor their colleagues see it", async () => {
  const member = await aMember(await anAccount(), {}, {});
  const { secret } = await aCredential(member);
  for (const server of [compiled, resolved]) {
    expect((await server.ask(VIEWER, {}, { token: secret })).data).toEqual({
      viewer: { language: null },
    });
    const { status } = await server.ask("{ viewer { principal { ... on User { language } } } }");
    expect(status).toBe(400);
  }
});

it("refuses one that there is none of in words that say which there are", async () => {
  const { token } = await aSession((await aUser()).id);
  const { data } = await compiled.ask(UPDATE, { language: "tlh" }, { token });
  expect(data).toEqual({
    updateLanguage: {
      language: null,
      userErrors: [
        {
          code: "BAD_USER_INPUT",
          field: ["language"],
          message: "There are no mails in this language. Choose one of en, de.",
        },
      ],
    },
  });
});
