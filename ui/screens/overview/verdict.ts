import type { VNode } from 'preact'
import type { Digest } from '../../../shared/contracts/http/live.ts'
import { html } from '../../html.ts'
import { digest } from '../../live.ts'
import type { IconName } from '../../parts/icon.ts'
import { note } from '../../parts/states.ts'
import { to } from '../../route.ts'

const LOOKS: Record<Digest['verdict']['code'], [tone: string, drawing: IconName, title: string]> = {
  healthy: ['ok', 'check', 'Healthy'],
  no_worker: ['bad', 'failed', 'No worker'],
  backlog_growing: ['warn', 'overview', 'The backlog grows'],
  broker_lost: ['bad', 'away', 'The broker is away'],
}

/** How it goes, in a line. */
export function Verdict(): VNode {
  if (digest.value === null) return note('', 'wait', 'Looking how it goes …')
  const { code, detail, type } = digest.value.verdict
  const [tone, drawing, title] = LOOKS[code]
  const link = type !== null && html` <a href=${to(`/types/${type}`)}>Look at ${type}</a>`
  return note(tone, drawing, html`<p><strong>${title}.</strong> ${detail}${link}</p>`)
}
