import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getIntrospectionQuery,
  isCompositeType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { measure } from "../../src/graphql/limits";
import { schema } from "../../src/graphql/schema";
import { newId } from "../../src/ids";
import { type Random, random, randomDocument } from "../support/randomDocuments";

const operationOf = ({ definitions }: DocumentNode) =>
  definitions.find(
    (one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION,
  )!;

const sizeOf = (document: DocumentNode, variables: Record<string, unknown> = {}) =>
  measure(schema, document, operationOf(document), variables);

/** The same question, with some of its selections in fragments of all kinds. */
function rewritten(document: DocumentNode, { pick }: Random): DocumentNode {
  const types = new TypeInfo(schema);
  const fragments: FragmentDefinitionNode[] = [];
  const wrap = (set: SelectionSetNode): SelectionSetNode => {
    const type = types.getType();
    const on = isCompositeType(type) ? type : types.getParentType();
    const typeCondition = {
      kind: Kind.NAMED_TYPE,
      name: { kind: Kind.NAME, value: on!.name },
    } as const;
    const name = { kind: Kind.NAME, value: `Part${fragments.length}` } as const;
    const part = pick(["as it is", "inline", "inline with a type", "named"]);
    if (part === "as it is") return set;
    if (part === "named") {
      fragments.push({ kind: Kind.FRAGMENT_DEFINITION, name, typeCondition, selectionSet: set });
      return { ...set, selections: [{ kind: Kind.FRAGMENT_SPREAD, name }] };
    }
    const inline = { kind: Kind.INLINE_FRAGMENT, selectionSet: set } as const;
    const selection = part === "inline" ? inline : { ...inline, typeCondition };
    return { ...set, selections: [selection] };
  };
  const visited = visit(
    document,
    visitWithTypeInfo(types, { SelectionSet: { leave: (set) => wrap(set) } }),
  );
  return { ...visited, definitions: [...visited.definitions, ...fragments] };
}

const IDS = [newId("Account"), newId("Membership"), newId("ApiKey")];
const INTROSPECTION = [
  getIntrospectionQuery(),
  "{ __schema { types { fields { type { fields { name args { name } } } } } } }",
  '{ __type(name: "Account") { fields { name type { name } } } viewer { __typename } }',
];

it("Bad input: a question costs the same, however it is divided into fragments", () => {
  const rng = random(20);
  const texts = Array.from({ length: 100 }, () => {
    const { text, variables } = randomDocument(rng, IDS);
    return [text, variables[0]] as const;
  });
  for (const text of INTROSPECTION) texts.push([text, {}]);
  for (const [text, variables] of texts) {
    const document = parse(text);
    const same = rewritten(document, rng);
    expect(validate(schema, same).map(String)).toEqual(validate(schema, document).map(String));
    expect([print(same), sizeOf(same, variables)]).toEqual([
      print(same),
      sizeOf(document, variables),
    ]);
  }
});

it("Bad input: introspection that is asked for again costs again", () => {
  const types = "types { fields { type { fields { name args { name } type { name kind } } } } }";
  const once = sizeOf(parse(`{ __schema { ${types} } }`)).cost;
  const aliased = Array.from({ length: 49 }, (_, i) => `a${i}: __schema { ${types} }`);
  const often = sizeOf(parse(`{ ${aliased.join(" ")} }`)).cost;
  expect(Math.abs(often - 49 * once)).toBeLessThan(49);
  // Over the default limit: some 3 MB and half a second.
  expect(often).toBeGreaterThan(10_000);
});

it("Bad input: the introspection of a schema twice as large fits into the default limit", () => {
  // What it costs grows with the number of types.
  expect(2 * sizeOf(parse(getIntrospectionQuery())).cost).toBeLessThan(10_000);
});

it("Bad input: a long alias costs what it adds to each row of the answer", () => {
  const cost = (alias: string) =>
    sizeOf(parse(`{ account(id: "x") { members(first: 100) { nodes { ${alias}: id } } } }`)).cost;
  expect(cost("a".repeat(31))).toBe(cost("a"));
  expect(cost("a".repeat(32_000))).toBe(cost("a") + 100 * 1_000);
});
