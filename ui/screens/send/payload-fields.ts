import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { html } from '../../html.ts'
import { isRecord, jsonFault, validity } from '../../parts/json-field.ts'
import { type FormField, fieldsOf, textOfValue, valueOf } from './schema-form.ts'

interface PayloadProps {
  schema: Record<string, unknown> | null
  /** The payload as JSON, which is what is sent. */
  payload: string
  setPayload: (payload: string) => void
}

/** Fields for the members that the schema names, beside the JSON: each follows the other. */
export function PayloadFields({ schema, payload, setPayload }: PayloadProps): VNode {
  const fields = fieldsOf(schema)
  const parsed = parseObject(payload)
  const set = (field: FormField, value: unknown) => {
    const next = { ...parsed }
    if (value === undefined) delete next[field.name]
    else next[field.name] = value
    setPayload(JSON.stringify(next, null, 2))
  }
  const fault = jsonFault(payload, '{"name": "value"}', fields !== null)
  return html`<div class="body two">
    ${
      fields !== null &&
      html`<div class="fields">${fields.map(
        (field) => html`<${Field} key=${field.name} field=${field} value=${parsed?.[field.name]}
        isOff=${parsed === null} set=${(value: unknown) => set(field, value)} />`,
      )}</div>`
    }
    <label class="field"><span>${fields === null ? 'JSON' : 'The same as JSON'}</span>
      <textarea rows="10" spellcheck=${false} value=${payload} ref=${validity(fault)}
        onInput=${(event: Event) => setPayload((event.currentTarget as HTMLTextAreaElement).value)}></textarea>
      ${
        fault !== '' &&
        html`<span class="wrong">${fault}${fields !== null && '. Until then the fields stand still'}.</span>`
      }</label>
  </div>`
}

interface FieldProps {
  field: FormField
  value: unknown
  isOff: boolean
  set: (value: unknown) => void
}

function Field({ field, value, isOff, set }: FieldProps): VNode {
  const isChosen = field.kind === 'choice' || field.kind === 'switch'
  return html`<label class="field">
    <span>${field.name}${field.isRequired && html`<span class="muted"> needed</span>`}</span>
    <${isChosen ? Choice : Typed} field=${field} value=${value} isOff=${isOff} set=${set} />
    ${field.hint !== '' && html`<span class="hint">${field.hint}</span>`}</label>`
}

function Choice({ field, value, isOff, set }: FieldProps): VNode {
  const choices = field.kind === 'switch' ? [true, false] : field.choices
  const onChange = (event: Event) => set(valueOf(field, (event.currentTarget as HTMLSelectElement).value))
  return html`<select value=${textOfValue(field, value)} disabled=${isOff} onChange=${onChange}><option
    value="">${field.initial === undefined ? '–' : JSON.stringify(field.initial)}</option>
    ${choices.map(
      (choice) => html`<option key=${String(choice)}
      value=${JSON.stringify(choice)}>${String(choice)}</option>`,
    )}</select>`
}

/** A field to type into. What is no value of its kind stays in it, with what is wrong about it, until it is mended. */
function Typed({ field, value, isOff, set }: FieldProps): VNode {
  const [unfit, setUnfit] = useState<string | null>(null)
  const fault = unfit === null ? '' : jsonFault(unfit, field.example)
  const onChange = (event: Event) => {
    const text = (event.currentTarget as HTMLInputElement).value
    const isUnfit = field.kind === 'json' && jsonFault(text, field.example) !== ''
    setUnfit(isUnfit ? text : null)
    if (!isUnfit) set(valueOf(field, text))
  }
  return html`<input type=${field.kind === 'number' ? 'number' : 'text'} step="any"
      value=${unfit ?? textOfValue(field, value)} placeholder=${field.example} disabled=${isOff} onChange=${onChange}
      ref=${validity(fault)} aria-invalid=${fault === '' ? undefined : 'true'} />
    ${fault !== '' && html`<span class="wrong" role="alert">${fault}</span>`}`
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}
