import type { VNode } from 'preact'
import type { Scope } from '../../shared/contracts/http/tokens.ts'
import { html } from '../html.ts'
import { whyNot } from '../session.ts'
import { type IconName, icon } from './icon.ts'

export interface Action {
  word: string
  drawing: IconName
  /** The scope that it needs. */
  scope: Scope
  run: () => unknown
  isDanger?: boolean
  isPrimary?: boolean
  /** Why it makes no sense now; null or left out: it does. */
  not?: string | null
}

export const RETRY = { word: 'Retry', drawing: 'again', scope: 'jobs:write' } as const
export const CANCEL = { word: 'Cancel', drawing: 'stop', scope: 'jobs:write', isDanger: true } as const

/** A button that says why it cannot be used, where it cannot. */
export function action({ word, drawing, scope, run, isDanger, isPrimary, not }: Action, size = ''): VNode {
  const why = whyNot(scope) ?? not ?? null
  const look = `button ${size} ${isDanger ? 'danger' : ''} ${isPrimary ? 'primary' : ''}`
  return html`<button class=${look} title=${why ?? ''} aria-disabled=${why === null ? undefined : 'true'}
    onClick=${() => why === null && run()}>${icon(drawing)} ${word}${
      why !== null &&
      html`<span
      class="visually-hidden">. ${why}</span>`
    }</button>`
}

/** The same in a menu. */
export function menuAction({ word, drawing, scope, run, not }: Action): VNode {
  const why = whyNot(scope) ?? not ?? null
  return html`<button class="menu-item" title=${why ?? ''} aria-disabled=${why === null ? undefined : 'true'}
    onClick=${() => why === null && run()}>${icon(drawing)} ${word}</button>`
}
