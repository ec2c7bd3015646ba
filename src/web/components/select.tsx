/** @module A select. The title has the text of its choice, which the browser may cut. */
import { Icon } from './icons.tsx'

export interface SelectProps {
  /** Pairs of value and text. */
  options: readonly (readonly [string, string])[]
  value?: string | undefined
  /** Set if some choices are not listed. */
  note?: string | undefined
  /** Of the element. */
  attributes: Record<string, string | boolean>
}

const maxChars = 40

export const Select = ({ options, value, note, attributes }: SelectProps) => (
  <>
    <select {...attributes} title={(options.find(([each]) => each === value) ?? options[0])?.[1]}>
      {options.map(([each, text]) => (
        <option
          value={each}
          {...(each === value && { selected: true })}
          {...(text.length > maxChars && { title: text })}
        >
          {text}
        </option>
      ))}
      {note && <option disabled>{note}</option>}
    </select>
    <Icon name="down" small />
  </>
)
