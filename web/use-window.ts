/** Of a long list in a scrolling box, the part that is to be seen: the rest is empty space of the same height. */
import { useEffect, useRef, useState } from 'preact/hooks';

const MORE_PX = 240;

export function useWindow() {
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 800, left: 0, width: 1_200 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => {
      const { scrollTop, clientHeight, scrollLeft, clientWidth } = element;
      setSeen({ top: scrollTop, height: clientHeight, left: scrollLeft, width: clientWidth });
    };
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  return {
    box,
    top: seen.top - MORE_PX,
    bottom: seen.top + seen.height + MORE_PX,
    left: seen.left - MORE_PX,
    right: seen.left + seen.width + MORE_PX,
  };
}

/** Scrolls no further than needed. */
export function bringIntoView(box: HTMLElement | null, top: number, height: number, header: number): void {
  if (box === null) return;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + height > box.scrollTop + box.clientHeight - header)
    box.scrollTop = top + height - box.clientHeight + header;
}
