//! Images as text, side by side, each over the model's prediction.

use crate::data::Examples;
use plywood::prelude::*;

const INK: [char; 5] = [' ', '░', '▒', '▓', '█'];
const IMAGES: usize = 5;

/// Draws the first few images of some examples.
pub fn images<B: Backend>(examples: &Examples<B>, [height, width]: [usize; 2], predicted: &[i32]) {
    let shown = examples.len().min(IMAGES);
    let pixels = examples.images.get(..shown).to_vec::<f32>();
    let labels = examples.labels.get(..shown).to_vec::<i32>();
    // A character is twice as high as it is wide: small images get two for a pixel, large ones lose every other line.
    let (across, down) = if width <= 16 { (2, 1) } else { (1, 2) };
    for y in (0..height).step_by(down) {
        let row = |i: usize| -> String {
            let pixels = &pixels[(i * height + y) * width..][..width];
            pixels.iter().flat_map(|&p| std::iter::repeat_n(ink(p), across)).collect()
        };
        println!("{}", (0..shown).map(row).collect::<Vec<_>>().join(" "));
    }
    for (said, is) in predicted.iter().zip(&labels) {
        let text = if said == is { format!("{said}") } else { format!("{said}, but it is {is}") };
        print!("{text:^0$} ", across * width);
    }
    println!();
}

/// A character as dark as a pixel of 0 to 1.
fn ink(pixel: f32) -> char {
    INK[(pixel * (INK.len() - 1) as f32).round() as usize]
}
