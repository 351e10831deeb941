import htm from 'htm'
import { type ComponentChildren, h, type VNode } from 'preact'

/** What may stand between two tags. */
export type Content = ComponentChildren

type Html = (parts: TemplateStringsArray, ...values: unknown[]) => VNode

/** The package's types speak of its CommonJS file; the browser gets its module, whose default is the function. */
const { bind } = htm as unknown as {
  bind: (this: unknown, make: (this: unknown[], ...given: Parameters<typeof h>) => VNode) => Html
}

/**
 * Makes an element. What htm sets of `this` asks it to keep no elements that never change: preact lets an element know
 * its parents, so that one kept element would keep every tree that it ever stood in.
 */
function make(this: unknown[], ...given: Parameters<typeof h>): VNode {
  this[0] = NOT_KEPT
  return h(...given)
}
const NOT_KEPT = 3

/** Templates of the page. Whatever is filled in becomes text or an attribute: never markup. */
export const html = bind.call(htm, make)
