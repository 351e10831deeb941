import { element, prose } from './element.js'

/** @typedef {{ components: { schemas: Record<string, Schema> } }} Api */
/** @typedef {Record<string, any>} Schema */

const LIMITS = ['default', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern']
/**
 * Values of members that no schema tells enough of.
 * @type {Record<string, unknown>}
 */
const SAMPLES = { type: 'sleep', cron: '0 * * * *' }
/** Deeper members are left to the document itself. */
const DEPTH_MAX = 4

/** @param {Api} api @param {Schema | undefined} schema @returns {Schema} */
export const resolve = (api, schema) =>
  schema?.['$ref'] === undefined ? (schema ?? {}) : (api.components.schemas[schema['$ref'].split('/').at(-1)] ?? {})

/**
 * The type that a schema accepts, in a few words.
 * @param {Schema | undefined} schema
 * @returns {string}
 */
export function typeOf(schema) {
  if (schema === undefined) return 'anything'
  if (schema['$ref'] !== undefined) return schema['$ref'].split('/').at(-1)
  if (schema['enum'] !== undefined)
    return schema['enum'].map((/** @type {unknown} */ one) => JSON.stringify(one)).join(' | ')
  if (schema['const'] !== undefined) return JSON.stringify(schema['const'])
  const options = schema['anyOf'] ?? schema['oneOf']
  if (options !== undefined) return options.map(typeOf).join(' | ')
  if (schema['type'] === 'array') return `${typeOf(schema['items'])}[]`
  return [schema['type']].flat().filter(Boolean).join(' | ') || 'anything'
}

/** @param {Schema} schema */
const limitsOf = (schema) =>
  LIMITS.filter((name) => schema[name] !== undefined)
    .map((name) => `${name} ${JSON.stringify(schema[name])}`)
    .join(', ')

/** The object whose members a schema shows: itself, an item of it, or its only form that is an object.
 * @param {Api} api @param {Schema | undefined} schema @returns {Schema} */
function objectIn(api, schema) {
  const whole = resolve(api, schema)
  if (whole['type'] === 'array') return objectIn(api, whole['items'])
  const forms = (whole['anyOf'] ?? whole['oneOf'] ?? []).map((/** @type {Schema} */ one) => resolve(api, one))
  const objects = forms.filter((/** @type {Schema} */ one) => one['properties'] !== undefined)
  return whole['properties'] === undefined && objects.length === 1 ? objects[0] : whole
}

/**
 * @param {Api} api
 * @param {{ name: string, schema: Schema | undefined, isRequired: boolean, description?: string, depth?: number }} member
 */
export function memberRow(api, { name, schema, isRequired, description, depth = 0 }) {
  const whole = schema ?? {}
  const inner = depth < DEPTH_MAX ? memberRows(api, schema, depth + 1) : []
  return element(
    'div',
    { class: 'member' },
    element(
      'div',
      { class: 'name' },
      element('code', {}, name),
      isRequired ? element('span', { class: 'must' }, 'required') : '',
    ),
    element('div', { class: 'type' }, typeOf(schema)),
    element(
      'div',
      { class: 'text' },
      prose(description ?? whole['description'] ?? resolve(api, schema)['description']),
    ),
    element('div', { class: 'limits' }, limitsOf(whole)),
    inner.length === 0 ? '' : element('details', {}, element('summary', {}, `${inner.length} members`), inner),
  )
}

/** @param {Api} api @param {Schema | undefined} schema @param {number} [depth] */
export function memberRows(api, schema, depth = 0) {
  const { properties = {}, required = [] } = objectIn(api, schema)
  return Object.entries(properties).map(([name, member]) =>
    memberRow(api, { name, schema: member, isRequired: required.includes(name), depth }),
  )
}

/**
 * A value that fits a schema: required members alone.
 * @param {Api} api @param {Schema | undefined} given @returns {unknown}
 */
export function sampleOf(api, given) {
  const schema = resolve(api, given)
  if (schema['default'] !== undefined) return schema['default']
  if (schema['const'] !== undefined) return schema['const']
  if (schema['enum'] !== undefined) return schema['enum'][0]
  const [first] = schema['anyOf'] ?? schema['oneOf'] ?? []
  if (first !== undefined) return sampleOf(api, first)
  switch ([schema['type']].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        (schema['required'] ?? []).map((/** @type {string} */ name) => [
          name,
          SAMPLES[name] ?? sampleOf(api, schema['properties'][name]),
        ]),
      )
    case 'array':
      return [sampleOf(api, schema['items'])]
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 1
    case 'boolean':
      return false
    case 'string':
      return 'order-1'
    default:
      return null
  }
}
