import {
  type ArgumentNode,
  coerceInputValue,
  type DocumentNode,
  getNamedType,
  type GraphQLArgument,
  GraphQLError,
  GraphQLID,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  Kind,
  type ObjectFieldNode,
  type OperationDefinitionNode,
  print,
  separateOperations,
  typeFromAST,
  TypeInfo,
  type ValueNode,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** The limit of a text, in bytes of UTF-8, where its field has no `@MaxBytes`. */
const DEFAULT_MAX_BYTES = 255;
/** Longer than any ID. */
const ID_MAX_BYTES = 64;
const MAX_LIST = 100;

type Path = readonly (string | number)[];

/** How an operation uses a variable. */
interface Use {
  /** The limit of its texts, in bytes; where it is used in several places, the lowest. */
  maxBytes?: number;
  /** The type of a place where it is used that takes no null, although the variable's own type does. */
  needsValue?: GraphQLInputType;
}
type Uses = Map<string, Use>;

/** The limit of the text of an argument or an input field, in bytes of UTF-8. */
export function maxBytesOf({ type, extensions }: GraphQLArgument | GraphQLInputField): number {
  const { maxBytes } = extensions as { maxBytes?: number };
  return maxBytes ?? (getNamedType(type) === GraphQLID ? ID_MAX_BYTES : DEFAULT_MAX_BYTES);
}

/**
 * Refuses invalid input before anything runs: wrong types, texts and lists over their limit, and NUL and
 * lone surrogates, which PostgreSQL can't store as text. The error names the field and the limit. It never
 * repeats the value, which may be a secret.
 */
export class InputCheck {
  /** Operations whose literals have passed. They are checked once, while the document is cached. */
  private readonly passed = new WeakMap<OperationDefinitionNode, Uses>();

  constructor(private readonly schema: GraphQLSchema) {}

  check(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ): void {
    let uses = this.passed.get(operation);
    if (!uses) {
      uses = this.checkLiterals(partOf(document, operation));
      this.passed.set(operation, uses);
    }
    for (const { variable, type: node, defaultValue } of operation.variableDefinitions ?? []) {
      const name = variable.name.value;
      const type = typeFromAST(this.schema, node);
      if (!isInputType(type)) continue; // validation has refused it
      const { maxBytes, needsValue } = uses.get(name) ?? {};
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value === null || (value === undefined && defaultValue?.kind === Kind.NULL)) {
        // The executor would fail here: it takes the null, and not the default.
        if (needsValue) {
          throw badInput(
            [`$${name}`],
            `is null where a value of type ${String(needsValue)} is needed. Leave it out for the default.`,
          );
        }
      }
      if (value === undefined) {
        if (isNonNullType(type) && !defaultValue) {
          throw badInput([`$${name}`], `is required: a value of type ${print(node)}.`);
        }
        continue;
      }
      checkTexts(value, type, [`$${name}`], maxBytes);
      coerceInputValue(value, type, (path, _invalid, error) => {
        throw badInput([`$${name}`, ...path], `can't be used: ${withoutValue(error.message)}`);
      });
    }
  }

  private checkLiterals(document: DocumentNode): Uses {
    const info = new TypeInfo(this.schema);
    const uses: Uses = new Map();
    const useOf = (name: string): Use => {
      const use = uses.get(name) ?? {};
      uses.set(name, use);
      return use;
    };
    const remember = ({ value }: ArgumentNode | ObjectFieldNode, maxBytes: number) => {
      if (value.kind !== Kind.VARIABLE) return;
      const use = useOf(value.name.value);
      use.maxBytes = Math.min(maxBytes, use.maxBytes ?? Infinity);
    };
    visit(
      document,
      visitWithTypeInfo(info, {
        Argument(node) {
          const argument = info.getArgument();
          if (!argument) return;
          const maxBytes = maxBytesOf(argument);
          remember(node, maxBytes);
          const value = node.value.kind === Kind.INT ? node.value.value : untyped(node.value);
          checkTexts(value, argument.type, [node.name.value], maxBytes);
        },
        ObjectField(node) {
          const parent = getNamedType(info.getParentInputType());
          const field = isInputObjectType(parent) && parent.getFields()[node.name.value];
          if (field) remember(node, maxBytesOf(field));
        },
        Variable(node, _key, parent) {
          const type = info.getInputType();
          const isUse = !(parent && "kind" in parent && parent.kind === Kind.VARIABLE_DEFINITION);
          if (isUse && type && isNonNullType(type)) useOf(node.name.value).needsValue = type;
        },
      }),
    );
    // A second visit for defaults: the first one has found where their variables are used.
    visit(
      document,
      visitWithTypeInfo(info, {
        VariableDefinition({ variable, defaultValue }) {
          const type = info.getInputType();
          if (!defaultValue || !type) return;
          const name = variable.name.value;
          checkTexts(untyped(defaultValue), type, [`$${name}`], uses.get(name)?.maxBytes);
        },
      }),
    );
    return uses;
  }
}

/** An operation with its fragments only: another operation may have a variable of the same name. */
function partOf(document: DocumentNode, operation: OperationDefinitionNode): DocumentNode {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operations.length === 1) return document;
  return separateOperations(document)[operation.name?.value ?? ""]!;
}

const untyped = (node: ValueNode) => valueFromASTUntyped(node);

/** Checks the texts and lists of a value by its type. Values of a wrong type are left to coercion. */
function checkTexts(
  value: unknown,
  type: GraphQLInputType,
  path: Path,
  maxBytes: number | undefined,
): void {
  if (value === null || value === undefined) return;
  if (isNonNullType(type)) return checkTexts(value, type.ofType, path, maxBytes);
  if (isListType(type)) {
    if (!Array.isArray(value)) return checkTexts(value, type.ofType, path, maxBytes);
    if (value.length > MAX_LIST) {
      const sent = value.length;
      throw badInput(path, `takes at most ${MAX_LIST} items; this has ${sent}.`, MAX_LIST, sent);
    }
    value.forEach((item, i) => checkTexts(item, type.ofType, [...path, i], maxBytes));
    return;
  }
  if (isInputObjectType(type)) {
    if (typeof value !== "object") return;
    const fields = type.getFields();
    for (const [name, item] of Object.entries(value)) {
      const field = fields[name];
      if (field) checkTexts(item, field.type, [...path, name], maxBytesOf(field));
    }
    return;
  }
  const isId = type === GraphQLID;
  if (isId && typeof value === "number") {
    throw badInput(path, "takes an ID, which is a text.");
  }
  if (typeof value === "string" && !isEnumType(type)) {
    checkText(value, maxBytes ?? (isId ? ID_MAX_BYTES : DEFAULT_MAX_BYTES), path);
  }
}

function checkText(text: string, limit: number, path: Path): void {
  const sent = Buffer.byteLength(text);
  if (sent > limit) {
    throw badInput(path, `takes at most ${limit} bytes; this has ${sent}.`, limit, sent);
  }
  const nul = text.indexOf("\0");
  if (nul >= 0) throw badInput(path, `has a NUL character at position ${nul}.`);
  if (!text.isWellFormed()) {
    throw badInput(path, "has half of a surrogate pair, which is no character.");
  }
}

function badInput(path: Path, problem: string, limit?: number, sent?: number): GraphQLError {
  const field = path.join(".");
  return new GraphQLError(`\`${field}\` ${problem}`, {
    extensions: {
      code: "BAD_USER_INPUT",
      field: path.map(String),
      ...(limit !== undefined && { limit, sent }),
      http: { status: 400 },
    },
  });
}

const MOMENT = " Send a moment with its offset, such as `2026-11-27T09:30:00Z` (RFC 3339).";

/**
 * Removes the value from a message of graphql-js, which quotes it: it may be a password in a wrong field.
 * The message still says what is expected, and `locations` or the path say where.
 */
export function withoutValue(message: string): string {
  return message
    .replace(
      /cannot represent ((?:a )?non[ -][\w -]+? value|an invalid date-time-string)?[\s\S]*$/,
      (_, what?: string) =>
        `cannot represent ${what ?? "this value"}.${what?.includes("date") ? MOMENT : ""}`,
    )
    .replace(/^Value [\s\S]* does not exist in ("\w+") enum[\s\S]*$/, "It is not a value of $1.")
    .replace(/, found [\s\S]*$/, ".")
    .replace(/^(Syntax Error: Unexpected (?:Name|String|BlockString|Int|Float)) [\s\S]*$/, "$1.");
}
