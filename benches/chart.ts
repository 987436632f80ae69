// The measurement as a picture: how many times quicker, on a logarithmic scale.

interface Row {
  name: string;
  against: string;
  theirsUs: number;
  oursUs: number;
}

const [WIDTH, ROW, LEFT, RIGHT] = [840, 26, 360, 90];
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function chart(rows: Row[], machine: { runtime: string; node: string; cpu: string }): string {
  const shown = rows.filter(({ against }) => against === 'the official SDK');
  const height = 70 + shown.length * ROW;
  const most = Math.max(...shown.map(({ theirsUs, oursUs }) => theirsUs / oursUs));
  const scale = (ratio: number) =>
    (Math.log2(Math.max(ratio, 0.5) + 1) / Math.log2(most + 1)) * (WIDTH - LEFT - RIGHT);
  const bars = shown.map(({ name, theirsUs, oursUs }, at) => {
    const ratio = theirsUs / oursUs;
    const y = 44 + at * ROW;
    const width = scale(ratio).toFixed(1);
    return [
      `<text x="${LEFT - 10}" y="${y + 14}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="${LEFT}" y="${y + 2}" width="${width}" height="16" rx="3" fill="${ratio >= 1 ? '#4338ca' : '#b45309'}"/>`,
      `<text x="${LEFT + Number(width) + 6}" y="${y + 14}">${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)} ×</text>`,
    ].join('');
  });
  const one = (LEFT + scale(1)).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#1d2430" role="img" aria-labelledby="title">
<title id="title">How many times quicker than the official SDK, by operation</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="24" font-size="15" font-weight="600">How many times quicker than the official SDK (${escaped(machine.runtime)} ${escaped(machine.node)})</text>
<line x1="${one}" y1="36" x2="${one}" y2="${height - 26}" stroke="#9aa3b2" stroke-dasharray="3 3"/>
${bars.join('\n')}
<text x="16" y="${height - 8}" font-size="11" fill="#5b6474">${escaped(machine.cpu)}; medians of rounds in turn; cargo xtask bench repeats it. The scale is logarithmic, the dashed line 1 ×.</text>
</svg>
`;
}
