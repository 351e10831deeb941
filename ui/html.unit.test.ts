import type { VNode } from 'preact'
import { expect, test } from 'vitest'
import { html } from './html.ts'

const draw = (text: string): VNode<{ children: VNode[] }> =>
  html`<p><i>always the same</i><b>${text}</b></p>` as VNode<{ children: VNode[] }>

test('what is drawn again shares no element with what was drawn before, which the element would keep alive', () => {
  const [first, second] = [draw('a').props.children, draw('b').props.children]
  expect(second[0]).toMatchObject({ type: 'i', props: { children: 'always the same' } })
  expect(second[0]).not.toBe(first[0])
})

test('what is filled in is text, whatever it says', () => {
  const [, bold] = draw('<script>alert(1)</script>').props.children
  expect(bold?.props).toEqual({ children: '<script>alert(1)</script>' })
})
