import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { type Content, html } from '../html.ts'
import { to } from '../route.ts'

interface HeadProps {
  title: Content
  /** In the tab's title, where the heading is more than text. */
  name?: string
  sub?: Content
  /** The list that this belongs to. */
  parent?: { word: string; address: string }
  children?: Content
}

/** The head of a screen: where one is, what it is called, what one can do. */
export function Head({ title, name, sub, parent, children }: HeadProps): VNode {
  const tab = name ?? (typeof title === 'string' ? title : '')
  useEffect(() => {
    document.title = tab === '' ? 'Hasty' : `${tab} · Hasty`
  }, [tab])
  return html`<div class="head">
    <div class="titles">
      ${parent && html`<div class="crumbs"><a href=${to(parent.address)}>${parent.word}</a></div>`}
      <h1 tabindex="-1">${title}</h1>
      ${sub && html`<div class="sub">${sub}</div>`}
    </div>
    <div class="actions">${children}</div>
  </div>`
}

/** A framed part of a screen. */
export const card = (title: Content, body: Content, more: Content = ''): VNode =>
  html`<section class="card"><header><h2>${title}</h2>${more}</header>${body}</section>`
