import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { type Content, html } from '../html.ts'
import { type IconName, icon } from './icon.ts'

/** A button that opens a list of things to do. It closes when one is chosen, by Esc, and by a click beside it. */
export function Menu({
  id,
  label,
  drawing,
  children,
}: {
  id: string
  label: string
  drawing: IconName
  children?: Content
}): VNode {
  const list = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const place = () => {
    const from = button.current?.getBoundingClientRect()
    const { style, offsetWidth } = list.current ?? {}
    if (from === undefined || style === undefined || offsetWidth === undefined) return
    style.position = 'fixed'
    style.top = `${from.bottom}px`
    style.left = `${Math.max(8, Math.min(from.left, innerWidth - offsetWidth - 8))}px`
  }
  const choose = (event: Event) => {
    if (event.target instanceof Element && event.target.closest('.menu-item') !== null) list.current?.hidePopover()
  }
  return html`<div class="menu">
    <button ref=${button} class="button" popovertarget=${id}>${icon(drawing)} ${label}</button>
    <div ref=${list} id=${id} popover="auto" onToggle=${place} onClick=${choose}>${children}</div>
  </div>`
}
