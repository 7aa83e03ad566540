import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  type ValueNode,
} from "graphql";
import { DEFAULT_PAGE, MAX_PAGE } from "../reads/filters";

export interface Limits {
  maxDepth: number;
  maxAliases: number;
  maxCost: number;
}

/** The length that a plain list counts as. Its real maximum is enforced where it is made. */
const PLAIN_LIST = 10;
const FRAGMENT_ROUNDS = 50;
/** What a search by text or by several conditions adds. One request may have a few of them. */
const SEARCH_COST = 2_000;
/**
 * Introspection reads from memory, so its fields cost a fraction of others. A power of two, so that sums
 * are exact in every order.
 */
const META_FIELD = 1 / 16;
/** The length that a list of introspection counts as, except the list of all types: more than average. */
const META_LIST = 2;
/** A name in the answer, such as an alias, that is longer than this counts as several fields. */
const NAME_BYTES = 32;
/** A JSON object holds many values. */
const JSON_FIELD = 8;

const NOTHING: ValueNode = { kind: Kind.NULL };

/** The size of an operation, to compare with the limits. */
export interface Size {
  cost: number;
  depth: number;
  aliases: number;
}

/** Sizes that don't depend on variables. They are measured once, while the document is cached. */
const measured = new WeakMap<OperationDefinitionNode, Size>();

/** The size of an operation of a validated document, with these variables. */
export function sizeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): Size {
  let size = measured.get(operation);
  if (!size) {
    let varies = false;
    const asked = new Proxy(variables, {
      get: (of, name) => {
        varies = true;
        return Reflect.get(of, name) as unknown;
      },
    });
    size = measure(schema, document, operation, asked);
    if (!varies) measured.set(operation, size);
  }
  return size;
}

/**
 * Measures an operation with these variables. A field costs 1; a connection costs what its children cost,
 * times `first` or `last`; large or slow fields cost more. A fragment is measured once and counted each time
 * it is spread, so a document that grows large by its fragments is measured fast.
 */
export function measure(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): Size {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  const measured = new Map<string, Size>();
  const root = schema.getRootType(operation.operation) ?? undefined;
  const types = Object.keys(schema.getTypeMap()).length;
  const whole = ofSelection(operation.selectionSet, root);
  return { ...whole, cost: Math.ceil(whole.cost) };

  function ofSelection(set: SelectionSetNode, parent: GraphQLNamedType | undefined): Size {
    const size = { cost: 0, depth: 0, aliases: 0 };
    for (const node of set.selections) {
      const part =
        node.kind === Kind.FIELD
          ? ofField(node, parent)
          : node.kind === Kind.FRAGMENT_SPREAD
            ? ofFragment(node.name.value)
            : ofSelection(
                node.selectionSet,
                node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent,
              );
      size.cost += part.cost;
      size.aliases += part.aliases;
      size.depth = Math.max(size.depth, part.depth);
    }
    return size;
  }

  function ofFragment(name: string): Size {
    let size = measured.get(name);
    if (!size) {
      const fragment = fragments.get(name)!;
      measured.set(name, { cost: 0, depth: FRAGMENT_ROUNDS, aliases: 0 }); // ends a cycle
      size = ofSelection(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
      measured.set(name, size);
    }
    return size;
  }

  function ofField(node: FieldNode, parent: GraphQLNamedType | undefined): Size {
    const aliases = node.alias ? 1 : 0;
    const field = parent && fieldOf(parent, node.name.value);
    const type = field && getNamedType(field.type);
    const isMeta = [parent, type].some((one) => one && isIntrospectionType(one));
    const name = (node.alias ?? node.name).value;
    const itself =
      (isMeta ? META_FIELD : type?.name === "JSONObject" ? JSON_FIELD : 1) +
      Math.floor(name.length / NAME_BYTES);
    if (!node.selectionSet) return { cost: itself, depth: 1, aliases };
    const inner = ofSelection(node.selectionSet, type);
    return {
      cost: itself + filterCost(node) + timesOf(node, parent, field, isMeta) * inner.cost,
      depth: 1 + inner.depth,
      aliases: aliases + inner.aliases,
    };
  }

  /** How often the children of a field may be in the answer. */
  function timesOf(
    node: FieldNode,
    parent: GraphQLNamedType | undefined,
    field: GraphQLField<unknown, unknown> | undefined,
    isMeta: boolean,
  ): number {
    if (!field) return 1;
    if (getNamedType(field.type).name.endsWith("Connection")) return pageSize(node);
    // The lists of a connection (`nodes`, `edges`) are its page, which was counted already.
    if (!isListType(getNullableType(field.type)) || parent?.name.endsWith("Connection")) return 1;
    if (!isMeta) return PLAIN_LIST;
    return node.name.value === "types" ? types : META_LIST;
  }

  /** Some filters read more rows than a page has. */
  function filterCost(node: FieldNode): number {
    const filter = node.arguments?.find(({ name }) => name.value === "filter")?.value;
    const has = filter ? namesIn(filter) : new Set<string>();
    const ways = [["objectId"], ["ip"], ["principalId", "types"]];
    const asked = ways.filter((names) => names.some((name) => has.has(name)));
    return has.has("text") || asked.length > 1 ? SEARCH_COST : 0;
  }

  /** The names of an input's fields that are given and not null. */
  function namesIn(input: ValueNode): Set<string> {
    if (input.kind === Kind.VARIABLE) {
      const value = variables[input.name.value];
      if (value === undefined) return namesIn(defaultOf(input.name.value) ?? NOTHING);
      const sent = typeof value === "object" ? Object.entries(value ?? {}) : [];
      return new Set(sent.flatMap(([name, one]) => (one == null ? [] : name)));
    }
    if (input.kind !== Kind.OBJECT) return new Set();
    const given = input.fields.filter(({ value }) =>
      value.kind === Kind.VARIABLE ? isGiven(value.name.value) : value.kind !== Kind.NULL,
    );
    return new Set(given.map(({ name }) => name.value));
  }

  /** Whether a variable has a value; its own default counts as one. */
  function isGiven(variable: string): boolean {
    const value = variables[variable];
    if (value !== undefined) return value !== null;
    const ofItself = defaultOf(variable);
    return ofItself !== undefined && ofItself.kind !== Kind.NULL;
  }

  function defaultOf(variable: string): ValueNode | undefined {
    return operation.variableDefinitions?.find((one) => one.variable.name.value === variable)
      ?.defaultValue;
  }

  function pageSize({ arguments: given = [] }: FieldNode): number {
    const sizes = given.flatMap(({ name, value }) => {
      const size = name.value === "first" || name.value === "last" ? numberOf(value) : null;
      if (size === null) return [];
      // A number out of range is refused when the query runs. Here it counts as the largest page.
      return typeof size === "number" && size >= 1 && size <= MAX_PAGE ? size : MAX_PAGE;
    });
    return sizes.length ? Math.max(...sizes) : DEFAULT_PAGE;
  }

  /** What stands in a place for a number; null for no value. */
  function numberOf(value: ValueNode): unknown {
    if (value.kind === Kind.INT) return Number(value.value);
    if (value.kind !== Kind.VARIABLE) return value.kind === Kind.NULL ? null : value;
    const sent = variables[value.name.value];
    return sent === undefined ? numberOf(defaultOf(value.name.value) ?? NOTHING) : sent;
  }
}

/** The root fields of introspection, which no type of the schema has. */
const META_FIELDS = new Map([SchemaMetaFieldDef, TypeMetaFieldDef].map((one) => [one.name, one]));

function fieldOf(
  parent: GraphQLNamedType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  const own =
    isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
  return own ?? META_FIELDS.get(name);
}

/** @throws GraphQLError (QUERY_TOO_COMPLEX) that names the limit and the query's size. */
export function assertWithin(size: Size, limits: Limits): void {
  const over = (what: string, asked: number, limit: number) => {
    if (asked <= limit) return;
    throw new GraphQLError(
      `The query's ${what} is ${asked}, and the limit is ${limit}. Ask for smaller pages (\`first\` or \`last\`) or fewer fields.`,
      { extensions: { code: "QUERY_TOO_COMPLEX", limit, sent: asked, http: { status: 400 } } },
    );
  };
  over("depth", size.depth, limits.maxDepth);
  over("number of aliases", size.aliases, limits.maxAliases);
  over("cost", size.cost, limits.maxCost);
}
