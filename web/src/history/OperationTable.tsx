// The rows of the history: a table where there is room, cards where there is not. The roles are written out, because browsers
// forget those of elements that are not laid out as a table; blocks of rows that are out of sight are not laid out at all.

import { isLoading, nextPage, rows } from "./listing";
import { OperationRow } from "./OperationRow";
import { blocksOf } from "./rows";
import { historyWords } from "./words";

const SKELETON = Array.from({ length: 8 }, (_, index) => index);

export function OperationTable() {
  const { title, columns } = historyWords();
  return (
    <table role="table" class="operations" aria-label={title}>
      <thead role="rowgroup">
        <tr role="row">
          {Object.entries(columns).map(([name, label]) => (
            <th key={name} role="columnheader" scope="col" data-column={name}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      {blocksOf(rows.value).map((block) => (
        <tbody key={block.key} role="rowgroup" style={{ "--rows": block.rows.length }}>
          {block.rows.map(({ key, operation, own }) => (
            <OperationRow key={key} operation={operation} own={own} />
          ))}
        </tbody>
      ))}
      {nextPage.value === undefined && isLoading.value && <Skeleton />}
    </table>
  );
}

function Skeleton() {
  return (
    <tbody aria-hidden="true" class="skeleton">
      {SKELETON.map((index) => (
        <tr key={index}>
          <td />
        </tr>
      ))}
    </tbody>
  );
}
