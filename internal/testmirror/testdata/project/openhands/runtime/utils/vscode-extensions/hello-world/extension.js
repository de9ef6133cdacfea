exports.activate = () => {}; // hello-world
