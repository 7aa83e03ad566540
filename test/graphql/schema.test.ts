import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  getNamedType,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
} from "graphql";
import { entities, openDataSource } from "../../src/database/dataSource";
import { printedSchema, schema } from "../../src/graphql/schema";

const FILE = join(__dirname, "../../schema.graphql");

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);
const output = types.filter((type) => isObjectType(type) || isInterfaceType(type));
const inputs = types.filter(isInputObjectType);
const enums = types.filter(isEnumType);

interface Described {
  description?: string | null | undefined;
}

/** What has no description, or one that is no sentence. */
function undescribed(things: readonly (readonly [name: string, thing: Described])[]): string[] {
  return things
    .filter(([, { description }]) => !description?.trim().endsWith("."))
    .map(([name]) => name);
}

it("prints as schema.graphql says (`UPDATE=1 npx jest test/graphql/schema` writes it)", () => {
  if (process.env["UPDATE"]) writeFileSync(FILE, printedSchema());
  expect(existsSync(FILE) && readFileSync(FILE, "utf8")).toBe(printedSchema());
});

describe("descriptions (design: one on everything but `id`)", () => {
  it("says what every type is for", () => {
    const roots = new Set(["Query", "Mutation"]);
    expect(
      undescribed(types.filter(({ name }) => !roots.has(name)).map((t) => [t.name, t])),
    ).toEqual([]);
  });

  it("says what every field is", () => {
    const fields = output.flatMap((type) =>
      Object.values(type.getFields())
        .filter(({ name }) => name !== "id")
        .map((field) => [`${type.name}.${field.name}`, field] as const),
    );
    expect(undescribed(fields)).toEqual([]);
  });

  it("says what every argument is", () => {
    const args = output.flatMap((type) =>
      Object.values(type.getFields()).flatMap((field) =>
        field.args.map((arg) => [`${type.name}.${field.name}(${arg.name}:)`, arg] as const),
      ),
    );
    expect(undescribed(args)).toEqual([]);
  });

  it("says what every input field is", () => {
    const fields = inputs.flatMap((type) =>
      Object.values(type.getFields()).map(
        (field) => [`${type.name}.${field.name}`, field] as const,
      ),
    );
    expect(undescribed(fields)).toEqual([]);
  });

  it("says what every enum value is", () => {
    const values = enums.flatMap((type) =>
      type.getValues().map((value) => [`${type.name}.${value.name}`, value] as const),
    );
    expect(undescribed(values)).toEqual([]);
  });

  it("says what to use instead of what is deprecated", () => {
    const parts = (type: (typeof output | typeof inputs | typeof enums)[number]) =>
      isEnumType(type)
        ? type.getValues()
        : Object.values<{ deprecationReason: unknown }>(type.getFields());
    const deprecated = [...output, ...inputs, ...enums].flatMap((type) =>
      parts(type).map((one) => one.deprecationReason),
    );
    for (const reason of deprecated) if (reason != null) expect(reason).toMatch(/^Use .+\.$/);
  });
});

describe("secrets (C2)", () => {
  const shown = output.flatMap((type) =>
    Object.values(type.getFields()).map((field) => ({ type, name: field.name })),
  );

  it("C2: shows no column that queries leave out", () => {
    const source = openDataSource({ url: "postgres://nobody@localhost/none", as: "serve" });
    // Its metadata alone: nothing is connected to.
    const built = source as unknown as { buildMetadatas(): Promise<void> };
    return built.buildMetadatas().then(() => {
      const secrets = entities.flatMap((entity) =>
        source
          .getMetadata(entity)
          .columns.filter((column) => !column.isSelect)
          .map((column) => column.propertyName),
      );
      expect(secrets).toEqual(expect.arrayContaining(["passwordHash", "tokenHash", "secretHash"]));
      expect(shown.filter(({ name }) => secrets.includes(name))).toEqual([]);
    });
  });

  it("C2: shows a secret only where it has just been made", () => {
    const suspicious = shown
      .filter(({ name }) => /password|secret|token|hash/i.test(name.replace(/authtoken/i, "")))
      .filter(({ type }) => type.name !== "Mutation") // verbs; their payloads are looked at
      .map(({ type, name }) => `${type.name}.${name}`);
    expect(suspicious.sort()).toEqual([
      "CompleteSignInPayload.token",
      "CreateApiKeyPayload.secret",
      "CreateAuthtokenPayload.secret",
      "ReauthenticatePayload.token",
      "SignInChallenge.token",
      "SignInPayload.token",
      "TotpSetup.secret",
      "VerifyEmailPayload.token",
    ]);
  });
});

describe("mutations", () => {
  /** GraphQL has no input type without a field, so what needs no input takes no argument. */
  const NOTHING_TO_SAY = ["signOut", "endOtherSessions"];
  const mutations = Object.values(schema.getMutationType()!.getFields());

  it.each(mutations.map((field) => [field.name, field] as const))(
    "takes one `input` and answers with a payload of its own: %s",
    (name, field) => {
      const Name = name[0]!.toUpperCase() + name.slice(1);
      const args = field.args.map((arg) => `${arg.name}: ${arg.type.toString()}`);
      expect(args).toEqual(NOTHING_TO_SAY.includes(name) ? [] : [`input: ${Name}Input!`]);
      expect(field.type.toString()).toBe(`${Name}Payload`);
    },
  );

  it.each(mutations.map((field) => [field.name, field] as const))(
    "answers with nullable fields and userErrors: %s",
    (_name, field) => {
      const payload = getNamedType(field.type);
      if (!isObjectType(payload)) throw new Error(`${payload.name} is no object type`);
      const { userErrors, ...rest } = payload.getFields();
      expect(userErrors?.type.toString()).toBe("[UserError!]!");
      expect(Object.values(rest).filter(({ type }) => isNonNullType(type))).toEqual([]);
    },
  );
});

describe("files of resolvers", () => {
  const src = join(__dirname, "../../src");
  const filesOf = (room: string) =>
    readdirSync(join(src, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => file.replace(/\.ts$/, ""));
  const resolvers = filesOf("resolvers");
  const verbs = resolvers.filter((file) => dirname(file) !== ".");

  it("hold a mutation each, named for it; the schema forgets none", () => {
    expect(verbs.map((file) => basename(file)).sort()).toEqual(
      Object.keys(schema.getMutationType()!.getFields()).sort(),
    );
  });

  it("stand where the operations of their names do", () => {
    expect(filesOf("operations")).toEqual(expect.arrayContaining(verbs));
  });

  it("hold a type each otherwise, and the schema takes every one", () => {
    const assembled = readFileSync(join(src, "graphql/schema.ts"), "utf8");
    const forgotten = resolvers.filter(
      (file) => file.endsWith("Resolver") && !assembled.includes(`"../resolvers/${file}"`),
    );
    expect(resolvers).toContain("AccountResolver");
    expect(forgotten).toEqual([]);
  });
});

describe("connections", () => {
  const named = (end: string) => (type: GraphQLNamedType) => type.name.endsWith(end);
  const connections = output.filter(named("Connection"));
  const fieldsOf = (type: GraphQLNamedType) => {
    const fields = isObjectType(type) ? Object.values(type.getFields()) : [];
    return Object.fromEntries(fields.map((field) => [field.name, field.type.toString()]));
  };

  it.each(connections.map((type) => [type.name, type] as const))(
    "has nodes, edges and pageInfo, and no total: %s",
    (name, type) => {
      const node = name.replace(/Connection$/, "");
      expect(fieldsOf(type)).toEqual({
        nodes: `[${node}!]!`,
        edges: `[${node}Edge!]!`,
        pageInfo: "PageInfo!",
      });
      expect(fieldsOf(schema.getType(`${node}Edge`)!)).toEqual({ cursor: "ID!", node: `${node}!` });
    },
  );

  it("has nodes that `node` finds by their IDs, but for what is a part of the viewer", () => {
    const others = connections
      .map(({ name }) => schema.getType(name.replace(/Connection$/, "")))
      .filter(
        (type) =>
          !(isObjectType(type) || isInterfaceType(type)) ||
          !type.getInterfaces().some(({ name }) => name === "Node"),
      );
    expect(others.map((type) => type!.name)).toEqual(["ViewerMembership"]);
  });

  it("is paged wherever it stands", () => {
    for (const type of output) {
      for (const field of Object.values(type.getFields())) {
        const to = getNamedType(field.type);
        if (!to.name.endsWith("Connection")) continue;
        const args = field.args.map((a) => [a.name, a.type.toString(), a.defaultValue]);
        expect([`${type.name}.${field.name}`, args]).toEqual([
          `${type.name}.${field.name}`,
          expect.arrayContaining([
            ["first", "Int", undefined],
            ["after", "ID", undefined],
            ["last", "Int", undefined],
            ["before", "ID", undefined],
          ]),
        ]);
      }
    }
  });

  it("is what every long list is: plain lists are named here, each with a cap", () => {
    const CAPPED = [
      "Account.ipRestrictions", // one for each surface
      "IPRestriction.rules", // 100, by a CHECK
      "Query.socialProviders", // the words of an enum
      "RecoveryCodes.codes", // ten
      "Session.methods", // the words of an enum
      "UserError.field", // a path
    ];
    const plain = output.flatMap((type) =>
      /(Connection|Payload)$/.test(type.name)
        ? []
        : Object.values(type.getFields())
            .filter((field) => field.type.toString().includes("["))
            .map((field) => `${type.name}.${field.name}`),
    );
    expect(plain.sort()).toEqual(CAPPED);
  });
});

it("finds anything with an ID again: what `node` gives is a Node (design 4)", () => {
  const withId = output.filter((type) => isObjectType(type) && type.getFields()["id"]);
  const copies = ["EventPrincipal"]; // who it was then, not who it is
  const not = withId
    .filter((type) => !type.getInterfaces().some(({ name }) => name === "Node"))
    .map(({ name }) => name);
  expect(not).toEqual(copies);
});

/** What a permission is called where it isn't the mutation without its noun. */
const MUTATIONS_OF: Record<string, readonly string[]> = {
  createCredential: ["createApiKey", "createAuthtoken"],
  leave: ["leaveAccount"],
  updateRoles: ["updateMemberRoles"],
  updateSignInPolicy: ["updateAccount"],
};

it("Y5: says `can` of nothing that no mutation does and no field shows", () => {
  const mutations = Object.keys(schema.getMutationType()!.getFields());
  const permissions = output.filter(({ name }) => name.endsWith("Permissions"));
  expect(permissions.length).toBeGreaterThan(3);
  const fieldsOf = (name: string) => output.find((type) => type.name === name)!.getFields();
  const idle = permissions.flatMap((type) => {
    const noun = type.name.replace(/Permissions$/, "");
    const shown = Object.keys(fieldsOf(noun));
    return Object.keys(type.getFields())
      .filter((verb) => {
        const seen = /^see(All)?(\w+)$/.exec(verb)?.[2];
        if (seen) return !shown.some((field) => field.toLowerCase() === seen.toLowerCase());
        const names = MUTATIONS_OF[verb] ?? [verb, verb + noun];
        return !names.some((one) => mutations.includes(one));
      })
      .map((verb) => `${type.name}.${verb}`);
  });
  expect(idle).toEqual([]);
});
