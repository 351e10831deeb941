import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { type Content, html } from '../html.ts'

/** Whether a value of JSON is an object: no list, and not null. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is wrong with a text that should be JSON, in a sentence; empty: nothing. An empty text is no fault. */
export function jsonFault(text: string, example: string, isObject = false): string {
  if (text.trim() === '') return ''
  try {
    const value: unknown = JSON.parse(text)
    const fits = !isObject || isRecord(value)
    return fits ? '' : `This is JSON, but not an object. Write it like ${example}`
  } catch {
    return `This is not JSON. Write it like ${example}`
  }
}

/** A `ref` that keeps the form from being sent while there is a fault: the browser leads the reader to the field. */
export const validity =
  (fault: string) =>
  (element: HTMLInputElement | HTMLTextAreaElement | null): void =>
    element?.setCustomValidity(fault)

interface JsonFieldProps {
  name: string
  word: string
  rows: number
  /** Stands in the empty field, and in the sentence about a text that is not JSON. */
  example: string
  initial?: string
  isObject?: boolean
  hint?: Content
}

/** A field of a form that takes JSON. While it holds anything else, it says so and the form is not sent. */
export function JsonField({ name, word, rows, example, initial = '', isObject, hint }: JsonFieldProps): VNode {
  const [text, setText] = useState(initial)
  const [isTold, setTold] = useState(false)
  const fault = jsonFault(text, example, isObject)
  const tell = () => setTold(true)
  return html`<label class="field"><span>${word}</span>
    <textarea name=${name} rows=${rows} spellcheck=${false} placeholder=${example} value=${text} ref=${validity(fault)}
      aria-invalid=${isTold && fault !== '' ? 'true' : undefined} onChange=${tell} onInvalid=${tell}
      onInput=${(event: Event) => setText((event.currentTarget as HTMLTextAreaElement).value)}></textarea>
    ${isTold && fault !== '' && html`<span class="wrong" role="alert">${fault}</span>`}
    ${hint !== undefined && html`<span class="hint">${hint}</span>`}</label>`
}
