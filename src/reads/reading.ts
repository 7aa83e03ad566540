import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { getArgumentValues, getVariableValues } from "graphql/execution/values";
import { LRUCache } from "lru-cache";
import type { Filter } from "../database/firstRows";
import { Compiler, relationOf, type Relations, type Tables, type Variables } from "./compiler";
import type { AdmittedCaller } from "./admittedCaller";
import type { Warning } from "../principal";
import type { Args, Bindings, Plan } from "./plan";
import { Uncompilable } from "./uncompilable";
import type { Relation } from "./relationKinds";

/** Characters of all plans: shapes of callers, of filters and of conditions multiply. */
const MOST_PLANS = 16_000_000;

/** Plans, or why there is none, of all documents. */
export const newPlans = () =>
  new LRUCache<string, Plan | string>({
    maxSize: MOST_PLANS,
    sizeCalculation: (plan, key) =>
      key.length + (typeof plan === "string" ? plan : plan.text).length,
  });
let readings = 0;

interface Given {
  args: Args;
  key: string;
  filter?: Filter;
}

/** A field that takes arguments. */
interface Arguments {
  node: FieldNode;
  field: GraphQLField<unknown, unknown>;
  shape: Relation["shape"] | undefined;
  /** What it is given, whatever the variables; none where they matter. */
  always?: Given;
  varies: boolean;
}

/** A request that a plan was found for. */
export interface Bound {
  text: string;
  values: unknown[];
  /** What the answer says besides its data. */
  warnings: Warning[];
}

/** A validated document and the plans made of it: one for each shape of caller and of request. */
export class Reading {
  private readonly number = ++readings;
  /** Variables that @include and @skip ask about. */
  private readonly conditions: string[];
  private readonly arguments: Arguments[] = [];

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly relations: Relations,
    private readonly tables: Tables,
    private readonly document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
    private readonly plans = newPlans(),
  ) {
    const conditions = new Set<string>();
    const info = new TypeInfo(schema);
    visit(
      document,
      visitWithTypeInfo(info, {
        Directive({ arguments: [argument] = [] }) {
          if (argument?.value.kind === Kind.VARIABLE) conditions.add(argument.value.name.value);
        },
        Field: (node) => {
          const field = info.getFieldDef();
          const parent = info.getParentType();
          if (!field?.args.length || !(isObjectType(parent) || isInterfaceType(parent))) return;
          const shape = relationOf(schema, relations, parent, field.name)?.shape;
          this.arguments.push({ node, field, shape, varies: hasVariables(node) });
        },
      }),
    );
    this.conditions = [...conditions];
  }

  /** The statement for this caller and these variables, or why there is none. */
  bind(caller: AdmittedCaller, inputs: Variables): Bound | string {
    if (this.operation.operation !== OperationTypeNode.QUERY) return "not a query";
    const definitions = this.operation.variableDefinitions ?? [];
    const { coerced } = getVariableValues(this.schema, definitions, inputs);
    if (!coerced) return "variables that don't fit";
    const args = new Map<FieldNode, Args>();
    const filters = new Map<FieldNode, Filter>();
    let key = `${this.number} ${caller.shape}`;
    for (const name of this.conditions) key += coerced[name] ? "1" : "0";
    try {
      for (const one of this.arguments) {
        const { args: given, key: shape, filter } = one.always ?? look(one, coerced);
        args.set(one.node, given);
        key += `|${shape}`;
        if (filter) filters.set(one.node, filter);
      }
    } catch {
      return "arguments that don't fit";
    }
    const bindings = { caller, args, filters };
    const plan = this.plan(key, bindings, coerced);
    if (typeof plan === "string") return plan;
    const values = plan.values(bindings);
    if (values) return { text: plan.text, values, warnings: plan.warnings(bindings) };
    return "an account that is closed or new to the caller";
  }

  private plan(key: string, bindings: Bindings, variables: Variables): Plan | string {
    let plan = this.plans.get(key);
    if (plan !== undefined) return plan;
    const { schema, relations, tables, document, operation } = this;
    try {
      plan = new Compiler({
        ...{ schema, relations, tables, document, operation },
        ...{ variables, bindings },
      }).compile();
    } catch (error) {
      if (!(error instanceof Uncompilable)) throw error;
      plan = error.message;
    }
    this.plans.set(key, plan);
    return plan;
  }
}

function look(one: Arguments, variables: Variables): Given {
  const args = getArgumentValues(one.field, one.node, variables);
  const given = { args, key: "", ...one.shape?.(args) };
  if (!one.varies) one.always = given;
  return given;
}

function hasVariables(field: FieldNode): boolean {
  let found = false;
  visit(field, { Variable: () => void (found = true), SelectionSet: () => false });
  return found;
}
