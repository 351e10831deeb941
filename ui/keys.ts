import { signal } from '@preact/signals'
import { go } from './route.ts'

// Keys for those who do not leave them. Single letters can be switched off (WCAG 2.1.4), because who speaks to the
// computer, or types with a trembling hand, sets them off by accident.

const KEPT = 'hasty.keys'
export const areKeysOn = signal(localStorage.getItem(KEPT) !== 'off')

export function switchKeys(isOn: boolean): void {
  areKeysOn.value = isOn
  localStorage.setItem(KEPT, isOn ? 'on' : 'off')
}

/** `g` and then one of these leads to a screen. */
export const GOES: Record<string, [address: string, word: string]> = {
  o: ['', 'Overview'],
  j: ['/jobs', 'Jobs'],
  f: ['/failed', 'Failed'],
  r: ['/requests', 'Requests'],
  s: ['/schedules', 'Schedules'],
  t: ['/types', 'Types'],
  w: ['/workers', 'Workers'],
  m: ['/messages', 'Messages'],
  n: ['/send', 'Send a job'],
}

export const KEYS: [keys: string, does: string][] = [
  ['/', 'Go to the search field'],
  ['j  k', 'Next and previous row'],
  ['Enter', 'Open the row'],
  ['x', 'Select the row'],
  ['.', 'Go to the actions of this screen'],
  ['?', 'Show these keys'],
  ['Esc', 'Close what is open'],
  ...Object.entries(GOES).map(([key, [, word]]): [string, string] => [`g ${key}`, word]),
]

/** @param showHelp shows the keys */
export function listenToKeys(showHelp: () => void): void {
  let isGoing = false
  const single: Record<string, () => void> = {
    '/': () => document.querySelector<HTMLElement>('input[type="search"]')?.focus(),
    '?': showHelp,
    j: () => moveRow(1),
    k: () => moveRow(-1),
    x: () => document.activeElement?.closest('tr')?.querySelector<HTMLElement>('input[type="checkbox"]')?.click(),
    '.': () => document.querySelector<HTMLElement>('.bulk button, .head .actions :is(button, a)')?.focus(),
    g: () => {
      isGoing = true
    },
  }
  document.addEventListener('keydown', (event) => {
    if (!areKeysOn.peek() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (document.querySelector('dialog[open]') !== null) return
    const wasGoing = isGoing
    isGoing = false
    const goes = wasGoing ? GOES[event.key] : undefined
    const does = goes === undefined ? single[event.key] : () => go(goes[0])
    if (does === undefined) return
    event.preventDefault()
    does()
  })
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches('input:not([type="checkbox"], [type="radio"]), textarea, select')

function moveRow(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('.list .main-link')]
  const at = links.findIndex((link) => link.closest('tr')?.contains(document.activeElement) ?? false)
  const next = at === -1 ? links.at(step === 1 ? 0 : -1) : links[at + step]
  next?.focus()
}
