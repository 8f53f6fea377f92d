// Gradio gives each radio button of a group a name of its own, and anew with its value: then each is a stop of
// the Tab key, and no arrow key leads on. With one name for all they are one stop, with arrows within.
for (const event of ["focusin", "keydown"])
  addEventListener(event, () => {
    for (const radio of document.querySelectorAll("fieldset.block[id] input[type=radio]"))
      radio.name = radio.closest("fieldset").id;
  }, true);
