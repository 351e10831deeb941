import { signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { say } from '../api.ts'
import { type Content, html } from '../html.ts'
import { formOf } from './form.ts'
import { note } from './states.ts'

interface Dialog {
  title: string
  isWide: boolean
  content: (close: () => void) => Content
}

const open = signal<Dialog | null>(null)

/** Shows a dialog; there is one at a time. */
export function showDialog(title: string, content: Dialog['content'], { isWide = false } = {}): void {
  open.value = { title, content, isWide }
}

/** The foot of a dialog that only shows something. */
export const closeFoot = (done: () => void): VNode =>
  html`<div class="dialog-foot"><button class="button" onClick=${done} autofocus>Close</button></div>`

const close = (): void => {
  open.value = null
}

export function DialogHost(): VNode | null {
  const dialog = open.value
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (dialog !== null && element.current?.open === false) element.current.showModal()
  }, [dialog])
  if (dialog === null) return null
  return html`<dialog ref=${element} class=${dialog.isWide ? 'wide' : ''} aria-labelledby="dialog-title"
    onClose=${close}>
    <div class="dialog"><h2 id="dialog-title">${dialog.title}</h2>${dialog.content(close)}</div>
  </dialog>`
}

export interface Question {
  title: string
  /** What will happen, in a sentence. */
  text: Content
  /** The word on the button: what is done. */
  verb: string
  isDanger?: boolean
  /** Further fields of the form. */
  fields?: Content
  /** Does it; what is thrown is shown, and the dialog stays. */
  run: (form: FormData) => Promise<void>
}

/** Asks before something is changed. */
export const ask = (question: Question): void =>
  showDialog(question.title, (done) => html`<${QuestionForm} question=${question} done=${done} />`)

function QuestionForm({ question, done }: { question: Question; done: () => void }): VNode {
  const [isRunning, setRunning] = useState(false)
  const [error, setError] = useState<unknown>(undefined)
  const submit = async (event: SubmitEvent) => {
    const form = formOf(event)
    setRunning(true)
    try {
      await question.run(form)
      done()
    } catch (thrown) {
      setError(thrown)
      setRunning(false)
    }
  }
  return html`<form class="stack" onSubmit=${submit}>
    <div>${question.text}</div>
    ${question.fields}
    ${error !== undefined && note('bad', 'failed', say(error))}
    <div class="dialog-foot">
      <button type="button" class="button" onClick=${done}>Close</button>
      <button class="button primary ${question.isDanger ? 'danger' : ''}" disabled=${isRunning} autofocus>
        ${isRunning ? 'Working …' : question.verb}
      </button>
    </div>
  </form>`
}
