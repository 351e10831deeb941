// The filter of the list: the names in the page's address are those of the api's parameters.

export interface Field {
  name: string
  /** The word before the colon in the search field, and on the chip. */
  word: string
  hint: string
  /** Whether it is a time: typed and shown in the time zone of the page's reader, RFC 3339 in UTC in the address. */
  isTime?: true
}

export const FIELDS: readonly Field[] = [
  { name: 'type', word: 'type', hint: 'resize' },
  { name: 'object_id', word: 'object', hint: 'order-1' },
  { name: 'tag', word: 'tag', hint: 'customer:42' },
  { name: 'tenant', word: 'tenant', hint: 'acme' },
  { name: 'worker', word: 'worker', hint: 'the id of a worker' },
  { name: 'attempts_min', word: 'attempts', hint: 'at least so many' },
  { name: 'id_prefix', word: 'id', hint: 'the beginning of an id' },
  { name: 'error', word: 'error', hint: 'the kind of an error, from Failed' },
  { name: 'created_after', word: 'created after', hint: '', isTime: true },
  { name: 'created_before', word: 'created before', hint: '', isTime: true },
  { name: 'ended_after', word: 'ended after', hint: '', isTime: true },
  { name: 'ended_before', word: 'ended before', hint: '', isTime: true },
]

/** A time as a field for a time takes it: `2026-11-30T12:00:00`, in this time zone. Empty for what is no time. */
export function toLocal(iso: string): string {
  const ms = Date.parse(iso)
  if (Number.isNaN(ms)) return ''
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** What such a field was given, as RFC 3339 in UTC. Empty for what is no time. */
export function fromLocal(local: string): string {
  const ms = Date.parse(local)
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString()
}

export const STATUSES = ['scheduled', 'processing', 'finished', 'cancelled', 'failed', 'timeout'] as const

/** A condition on a value of the payload: its parameter is `payload` and the value's JSON pointer. */
const isOfPayload = (name: string): boolean => /^payload(\/|$)/.test(name)

const STATUS = 'status'
const NAMES = new Set([STATUS, ...FIELDS.map(({ name }) => name)])

/** The filter alone, as the api takes it: without the page and what only the screen knows. */
export const filterOf = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...query].filter(([name, value]) => value !== '' && (NAMES.has(name) || isOfPayload(name))))

/** The same as members of a body, where the status is a list, and what is said of the payload an object. */
export function bodyOf(filter: Record<string, string>): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  const payload: Record<string, string> = {}
  for (const [name, value] of Object.entries(filter)) {
    if (isOfPayload(name)) payload[name.slice('payload'.length)] = value
    else if (name === STATUS) body[name] = value.split(',')
    else body[name] = name === 'attempts_min' ? Number(value) : value
  }
  return Object.keys(payload).length === 0 ? body : { ...body, payload }
}

export interface Condition {
  name: string
  word: string
  value: string
}

/** What is asked for beside the status, in the words of the page. */
export const conditionsOf = (query: URLSearchParams): Condition[] =>
  Object.entries(filterOf(query))
    .filter(([name]) => name !== STATUS)
    .map(([name, value]) => ({ name, value, word: FIELDS.find((field) => field.name === name)?.word ?? name }))

const JOB_ID = /^[0-9A-Za-z]{22,32}$/
const TERM = /([\w/~.-]+)[:=]("[^"]*"|\S+)/g

export type Search = { jobId: string } | { changes: Record<string, string> } | { fault: string }

/** What was typed: `type:resize payload/customer=42`, the id of a job, or an object's id. */
export function readSearch(text: string): Search {
  const changes: Record<string, string> = {}
  let fault = ''
  const rest = text
    .replaceAll(TERM, (whole, word: string, value: string) => {
      const name = nameOf(word)
      if (name === null) {
        fault ||= faultOf(word, value, text)
        return whole
      }
      changes[name] = value.replaceAll('"', '')
      return ''
    })
    .trim()
  if (fault !== '') return { fault }
  if (JOB_ID.test(rest) && Object.keys(changes).length === 0) return { jobId: rest }
  if (rest !== '') changes['object_id'] = rest
  return { changes }
}

function nameOf(word: string): string | null {
  if (word === STATUS || isOfPayload(word)) return word
  return FIELDS.find((field) => field.word === word || field.name === word)?.name ?? null
}

/** Ids of objects have colons too, so only a word that is almost that of a filter is doubted. Empty: it is none. */
function faultOf(word: string, value: string, text: string): string {
  const meant = [STATUS, ...FIELDS.map((field) => field.word)].find((known) => isAlmost(word.toLowerCase(), known))
  if (meant === undefined) return ''
  const whole = text.replaceAll('"', '')
  return `“${word}” is no filter. Did you mean ${meant}:${value}? The object of this id is object:"${whole}".`
}

/** Whether one letter was left out, added or changed, two changed places, or the end is missing. */
function isAlmost(word: string, known: string): boolean {
  if (word.length > 1 && known.startsWith(word)) return true
  let at = 0
  while (at < known.length && known[at] === word[at]) at++
  const [typed, right] = [word.slice(at), known.slice(at)]
  const isSwapped = typed[0] === right[1] && typed[1] === right[0] && typed.slice(2) === right.slice(2)
  return typed.slice(1) === right || typed === right.slice(1) || typed.slice(1) === right.slice(1) || isSwapped
}
