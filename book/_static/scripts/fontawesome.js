/* In the place of the theme's file of this name: 1.5 MB of pictures, one for each icon there is. The theme's style sheet
   has the few icons of this site as letters of a font, and shows them where no script replaces them. */
