import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { call, say } from '../../api.ts'
import { html } from '../../html.ts'
import { showDialog } from '../../parts/dialog.ts'
import { formOf, numberOf } from '../../parts/form.ts'
import { icon } from '../../parts/icon.ts'
import { note } from '../../parts/states.ts'
import { tell } from '../../parts/toast.ts'
import { to } from '../../route.ts'
import { count, counted } from '../../words.ts'
import { bodyOf } from './filter.ts'

type Verb = 'retry' | 'cancel'

interface Answer {
  matched: number
  job_ids: string[]
  next_cursor: string | null
  next_run_at?: string
}

/** Pages of 5,000 that a dry run counts before it says "or more". */
const COUNTED_PAGES = 10
const PAGE = 5_000
/** Jobs in one call of the change itself: small enough to stop in between. */
const STEP = 1_000

const WORDS = {
  retry: { path: '/v1/redrive', title: 'Retry all that match', run: 'Retry', did: 'started again' },
  cancel: { path: '/v1/cancel', title: 'Cancel all that match', run: 'Cancel', did: 'cancelled' },
} as const

/** Changes all jobs of a filter: first a dry run that says how many, then the change, page by page, at a rate. */
export const changeMatching = (verb: Verb, filter: Record<string, string>, done: () => void): void =>
  showDialog(
    WORDS[verb].title,
    (close) => html`<${Change} verb=${verb} filter=${filter} done=${done} close=${close} />`,
  )

interface Found {
  matched: number
  isMore: boolean
  sample: string[]
}

interface ChangeProps {
  verb: Verb
  filter: Record<string, string>
  done: () => void
  close: () => void
}

function Change({ verb, filter, done, close }: ChangeProps): VNode {
  const [found, setFound] = useState<Found | null>(null)
  const [changed, setChanged] = useState<number | null>(null)
  const [error, setError] = useState<unknown>(undefined)
  const aborter = useRef(new AbortController())
  const body = bodyOf(filter)
  useEffect(() => {
    dryRun(verb, body, aborter.current.signal).then(setFound, setError)
    return () => aborter.current.abort()
  }, [])
  const submit = async (event: SubmitEvent) => {
    const rate = numberOf(formOf(event), 'rate') ?? 0
    setChanged(0)
    try {
      const all = await changeAll(
        verb,
        { ...body, ...(rate > 0 ? { rate_per_s: rate } : {}) },
        setChanged,
        aborter.current.signal,
      )
      tell(`${counted(all, 'job')} ${WORDS[verb].did}.`)
      close()
    } catch (thrown) {
      if (!aborter.current.signal.aborted) setError(thrown)
    } finally {
      done()
    }
  }
  return html`<form class="stack" onSubmit=${submit}>
    ${error !== undefined ? note('bad', 'failed', say(error)) : html`<${Result} found=${found} />`}
    ${
      verb === 'retry' &&
      found !== null &&
      found.matched > 0 &&
      html`<label class="field"><span>Jobs per second</span>
      <input name="rate" type="number" min="0.01" max="10000" step="any" placeholder="all at once"
        disabled=${changed !== null} />
      <span class="hint">Spread over time where what failed them can bear only so many.</span></label>`
    }
    ${
      changed !== null &&
      html`<div role="status">${counted(changed, 'job')} ${WORDS[verb].did}${
        found !== null &&
        html` of ${count(found.matched)}
      <span class="bar"><i style=${{ width: `${Math.min(100, (100 * changed) / Math.max(1, found.matched))}%` }}></i>
        </span>`
      }</div>`
    }
    <div class="dialog-foot">
      <button type="button" class="button" onClick=${close}>${changed === null ? 'Close' : 'Stop'}</button>
      <button class="button primary ${verb === 'cancel' ? 'danger' : ''}"
        disabled=${found === null || found.matched === 0 || changed !== null}>
        ${WORDS[verb].run} ${found === null ? '' : found.isMore ? 'all of them' : counted(found.matched, 'job')}
      </button>
    </div>
  </form>`
}

const matchOf = ({ matched, isMore }: Found): string =>
  isMore ? `${count(matched)} jobs or more match` : `${counted(matched, 'job')} ${matched === 1 ? 'matches' : 'match'}`

function Result({ found }: { found: Found | null }): VNode {
  if (found === null) return html`<div role="status">${icon('spin')} The dry run counts what matches …</div>`
  return html`<div class="stack tight">
    <p><strong>${matchOf(found)}.</strong> Nothing was changed yet.</p>
    ${
      found.sample.length > 0 &&
      html`<p class="muted">The newest: ${found.sample.slice(0, 3).map(
        (id) => html`<a
      key=${id} class="mono" href=${to(`/jobs/${id}`)} target="_blank" rel="noreferrer">${id.slice(0, 10)}…</a> `,
      )}</p>`
    }
  </div>`
}

async function dryRun(verb: Verb, body: Record<string, unknown>, signal: AbortSignal): Promise<Found> {
  let matched = 0
  let sample: string[] = []
  let cursor: string | null = null
  for (let page = 0; page < COUNTED_PAGES; page++) {
    const answer: Answer = await post(
      verb,
      { ...body, dry_run: true, limit: PAGE, ...(cursor === null ? {} : { cursor }) },
      signal,
    )
    matched += answer.matched
    if (page === 0) sample = answer.job_ids
    cursor = answer.next_cursor
    if (cursor === null) return { matched, isMore: false, sample }
  }
  return { matched, isMore: true, sample }
}

async function changeAll(
  verb: Verb,
  body: Record<string, unknown>,
  report: (changed: number) => void,
  signal: AbortSignal,
): Promise<number> {
  let changed = 0
  let next: Record<string, unknown> = {}
  for (;;) {
    const answer = await post(verb, { ...body, limit: STEP, ...next }, signal)
    changed += ('retried' in answer ? answer.retried : 'cancelled' in answer ? answer.cancelled : 0) as number
    report(changed)
    if (answer.next_cursor === null) return changed
    next = { cursor: answer.next_cursor, ...(answer.next_run_at === undefined ? {} : { run_at: answer.next_run_at }) }
  }
}

const post = (verb: Verb, body: Record<string, unknown>, signal: AbortSignal): Promise<Answer> =>
  call<Answer>({ method: 'POST', path: WORDS[verb].path, body, signal })
