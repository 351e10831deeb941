import type { VNode } from 'preact'
import { html } from '../html.ts'
import { type IconName, icon } from './icon.ts'

export type Tone = 'ok' | 'bad' | 'warn' | 'run' | 'plan' | 'idle'

/** Word, drawing and colour of each state: never the colour alone. Jobs, attempts, steps and requests share them. */
const LOOKS: Record<string, [tone: Tone, drawing: IconName, word?: string]> = {
  scheduled: ['plan', 'schedules'],
  waiting: ['idle', 'wait'],
  processing: ['run', 'spin'],
  running: ['run', 'spin'],
  inprogress: ['run', 'spin', 'running'],
  retrying: ['warn', 'again'],
  retry: ['warn', 'again', 'retrying'],
  finished: ['ok', 'check'],
  completed: ['ok', 'check'],
  failed: ['bad', 'cross'],
  failure: ['bad', 'cross', 'failed'],
  crashed: ['bad', 'failed'],
  cancelled: ['idle', 'stop'],
  released: ['idle', 'undo', 'handed back'],
  superseded: ['idle', 'stop'],
  skipped: ['idle', 'right'],
  queuing: ['idle', 'wait', 'queued'],
  new: ['idle', 'wait', 'waiting'],
  paused: ['warn', 'pause'],
  live: ['ok', 'check'],
  stopped: ['idle', 'stop'],
  silent: ['bad', 'away'],
  idle: ['idle', 'wait'],
  stalled: ['bad', 'failed'],
}

export const toneOf = (state: string): Tone => LOOKS[state]?.[0] ?? 'idle'

export function status(state: string, word?: string): VNode {
  const [tone, drawing, usual] = LOOKS[state] ?? (['idle', 'info'] as const)
  return html`<span class="status ${tone}">${icon(drawing)}${word ?? usual ?? state}</span>`
}
